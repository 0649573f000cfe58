/** Messages between a program and its server in a thread. */

export interface Call {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly facts: object };
}

export interface Started {
  readonly host: string;
  readonly port: number;
  readonly password: string | undefined;
}
