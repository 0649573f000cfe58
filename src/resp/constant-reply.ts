/**
 * A reply that never changes, kept as bytes for each protocol version it was asked for in.
 */
import { Reply } from './reply.ts';

const draft = new Reply();

export class ConstantReply {
  private readonly written = new Map<2 | 3, Buffer>();

  /** Writes the reply; `make`, called once for each version, says what it is. O(bytes). */
  write(reply: Reply, make: (draft: Reply) => void): void {
    let bytes = this.written.get(reply.version);
    if (bytes === undefined) {
      draft.clear();
      draft.version = reply.version;
      make(draft);
      bytes = Buffer.from(draft.buf.subarray(0, draft.pos));
      this.written.set(reply.version, bytes);
    }
    reply.raw(bytes);
  }
}
