/**
 * What a server puts into its journal of effects, as text: one line for each command, its arguments
 * between blanks, bytes outside ASCII as they are in latin1.
 */
import type { EffectUnit, JournalReader } from '../../src/keyspace/journal.ts';
import type { Server } from '../../src/server/server.ts';

export class JournalLines implements JournalReader {
  private lines: string[] = [];

  /** Reads along from now on. */
  static of(server: Server): JournalLines {
    const reader = new JournalLines();
    server.keyspace.changes.journal.add(reader);
    return reader;
  }

  /** The lines since the last call; those of a unit that must stay together have braces around. */
  take(): string[] {
    return this.lines.splice(0);
  }

  unit(unit: EffectUnit): void {
    if (unit.isAtomic) this.lines.push('{');
    for (let i = 0; i < unit.count; i++) this.lines.push(lineOf(unit, i));
    if (unit.isAtomic) this.lines.push('}');
  }
}

function lineOf(unit: EffectUnit, i: number): string {
  const words: string[] = [];
  const buf = Buffer.from(unit.buf.buffer, unit.buf.byteOffset, unit.buf.length);
  let at = unit.start(i);
  for (let n = unit.argc(i); n > 0; n--) {
    const end = buf.indexOf('\r\n', at);
    const length = Number(buf.toString('latin1', at + 1, end));
    words.push(buf.toString('latin1', end + 2, end + 2 + length));
    at = end + 4 + length;
  }
  return words.join(' ');
}
