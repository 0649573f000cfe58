/** What the tests use of redlock 4, which brings no types. */
declare module 'redlock' {
  export interface Lock {
    readonly value: string;
    unlock(): Promise<void>;
    extend(ttl: number): Promise<Lock>;
  }
  export default class Redlock {
    constructor(
      clients: readonly unknown[],
      options?: { retryCount?: number; retryDelay?: number },
    );
    lock(resource: string, ttl: number): Promise<Lock>;
  }
}
