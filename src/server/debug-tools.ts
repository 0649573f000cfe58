/**
 * What DEBUG does to the server itself.
 */
import type { DebugPort } from '../commands/ports/debug.ts';
import type { Cron } from './cron.ts';
import type { Lifecycle } from './lifecycle.ts';

export class DebugTools implements DebugPort {
  private readonly cron: Cron;
  private readonly lifecycle: Lifecycle;

  constructor(cron: Cron, lifecycle: Lifecycle) {
    this.cron = cron;
    this.lifecycle = lifecycle;
  }

  setActiveExpire(enabled: boolean): void {
    this.cron.activeExpire = enabled;
  }

  sleep(ms: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }

  changeReplicationId(): void {
    this.lifecycle.changeReplicationId();
  }
}
