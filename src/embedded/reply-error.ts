/** An error reply, to a program. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
  /** Its first word: `ERR`, `WRONGTYPE`, … */
  readonly code: string;

  constructor(line: string) {
    super(line);
    const space = line.indexOf(' ');
    this.code = space < 0 ? line : line.slice(0, space);
  }
}
