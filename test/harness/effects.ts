/**
 * Effects as tests see them: the command lines that a server hands on to its replicas, unit by unit,
 * whether read from the journal of a server in this process or received as a replica.
 */
import type { EffectUnit, JournalReader } from '../../src/keyspace/journal.ts';
import type { Server } from '../../src/server/server.ts';
import { quote } from './reply.ts';

/** One command line, and the database it applies to. */
export interface Line {
  readonly dbIndex: number;
  readonly argv: readonly Buffer[];
}

/** What one command or transaction brought about. */
export interface Unit {
  readonly lines: readonly Line[];
  /** Whether MULTI and EXEC stand around it. */
  readonly isAtomic: boolean;
}

/** Where units come from. */
export interface UnitSource {
  /** The units since the call before. All effects of commands that were answered are in it. */
  take(): Promise<Unit[]>;
  close(): void;
}

/** A unit on one line, as in redis-cli; the database stands before the lines of another than 0. */
export function showUnit({ lines, isAtomic }: Unit): string {
  const text = lines.map(showLine).join(' | ');
  return isAtomic ? `MULTI ${text} EXEC` : text;
}

export function showLine({ dbIndex, argv }: Line): string {
  const words = argv.map((arg) => {
    const text = arg.toString('latin1');
    return /^[\w*?.+:=~-]+$/.test(text) ? text : quote(arg);
  });
  return [...(dbIndex === 0 ? [] : [`[db ${dbIndex}]`]), ...words].join(' ');
}

/** Follows the journal of a server in this process. */
export class JournalRecorder implements UnitSource, JournalReader {
  private readonly server: Server;
  private units: Unit[] = [];

  constructor(server: Server) {
    this.server = server;
    server.keyspace.changes.journal.add(this);
  }

  unit(unit: EffectUnit): void {
    const lines: Line[] = [];
    const buf = Buffer.from(unit.buf.buffer, unit.buf.byteOffset, unit.buf.length);
    for (let i = 0; i < unit.count; i++) {
      const argv = bulkStrings(buf, unit.start(i), unit.start(i + 1));
      if (argv.length !== unit.argc(i)) throw new Error(`${argv.length} of ${unit.argc(i)} words`);
      lines.push({ dbIndex: unit.dbIndex(i), argv });
    }
    this.units.push({ lines, isAtomic: unit.isAtomic });
  }

  /** As `take`, at once. */
  taken(): Unit[] {
    const { units } = this;
    this.units = [];
    return units;
  }

  async take(): Promise<Unit[]> {
    return this.taken();
  }

  close(): void {
    this.server.keyspace.changes.journal.remove(this);
  }
}

/** The bulk strings from `at` to `end`, copied. */
function bulkStrings(buf: Buffer, from: number, end: number): Buffer[] {
  const found: Buffer[] = [];
  let at = from;
  while (at < end) {
    const lineEnd = buf.indexOf('\r\n', at);
    const length = Number(buf.toString('latin1', at + 1, lineEnd));
    if (buf[at] !== 36 || !(length >= 0)) throw new Error(`no bulk string at ${at - from}`);
    const next = lineEnd + 2 + length + 2;
    if (next > end || buf.toString('latin1', next - 2, next) !== '\r\n') throw new Error('cut off');
    found.push(Buffer.from(buf.subarray(lineEnd + 2, next - 2)));
    at = next;
  }
  return found;
}
