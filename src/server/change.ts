/** What a change stream hands out, and how it ends too early. */

/** One effect: a command that has the same effect on a copy of the data. */
export interface Change {
  /** Index of the database. */
  readonly db: number;
  /** The command's name and arguments. They are the consumer's. */
  readonly argv: readonly Buffer[];
  /**
   * Its number: each change has that of the one before plus one, in all streams the same. They
   * begin at 1 when the first stream of a server is opened, and are not kept across restarts.
   */
  readonly offset: number;
  /** Whether the next change takes effect together with this one (EXEC, scripts, MOVE and such). */
  readonly more: boolean;
}

export interface ChangesOptions {
  /** Most bytes held for a consumer that is slower than the changes come; default 16 MiB. */
  readonly bufferBytes?: number;
}

/** A consumer was too slow: changes from `offset` on are lost to it. */
export class ChangesLostError extends Error {
  override readonly name = 'ChangesLostError';
  readonly offset: number;

  constructor(offset: number) {
    super(
      `the consumer of a change stream was too slow: changes from offset ${offset} on are lost`,
    );
    this.offset = offset;
  }
}
