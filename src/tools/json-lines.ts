/** A file of JSON lines, read in pieces: lines of any length, one at a time. */
import { type OpenFile, uninterrupted } from '../persistence/files.ts';
import type { JsonReader } from './json-reader.ts';

const PIECE_BYTES = 256 * 1024;
const LINE_END = 0x0a;

/**
 * Hands a file's lines to a reader, a piece of the file at a time; yields the bytes read so far.
 * Throws an Error that says what is wrong in which line, at which byte.
 */
export function* jsonSteps(file: OpenFile, reader: JsonReader): Generator<number, void, void> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  let parts: Buffer[] = [];
  let begin = 0;
  let position = 0;
  let number = 0;
  const emit = (): void => {
    number++;
    try {
      reader.line(Buffer.concat(parts).toString('utf8'));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`line ${number}, at byte ${begin}: ${reason}`);
    }
    parts = [];
  };
  for (;;) {
    const count = uninterrupted(() => file.read(piece, 0, piece.length, position));
    if (count === 0) break;
    let from = 0;
    for (let end = piece.indexOf(LINE_END); end >= 0 && end < count; ) {
      parts.push(Buffer.from(piece.subarray(from, end)));
      emit();
      from = end + 1;
      begin = position + from;
      end = piece.indexOf(LINE_END, from);
    }
    if (from < count) parts.push(Buffer.from(piece.subarray(from, count)));
    position += count;
    yield position;
  }
  if (parts.length > 0) emit();
}
