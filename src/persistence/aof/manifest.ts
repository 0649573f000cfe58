/**
 * The manifest of the append-only files: which of them make up the data, in which order.
 *
 *     file appendonly.aof.3.base.rdb seq 3 type b     at most one: where the data begins
 *     file appendonly.aof.2.incr.aof seq 2 type h     history: no longer needed, to be removed
 *     file appendonly.aof.3.incr.aof seq 3 type i     effects after the base, oldest first
 *
 * A line that begins with `#` is a comment; names with spaces or special bytes are quoted as in
 * redis.conf. Source: manifests of redis-server 7.0.15, and what it refuses.
 */
import { quoteWord, splitWords } from '../../util/words.ts';

/** Longest line, its end included, as redis-server reads them. */
const LINE_MAX = 1024;

export type AofFileType = 'base' | 'incr' | 'history';

export interface AofFileInfo {
  readonly name: string;
  readonly seq: number;
  readonly type: AofFileType;
}

const typeOfLetter: Readonly<Record<string, AofFileType>> = { b: 'base', h: 'history', i: 'incr' };

/** What is wrong with a manifest, and where. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
  /** Number of the line, from 1; 0 when it is about the whole. */
  readonly lineNumber: number;
  /** The line as it stands there. */
  readonly line: string;

  constructor(message: string, lineNumber: number, line: string) {
    super(lineNumber === 0 ? message : `${message} (line ${lineNumber}: '${line}')`);
    this.lineNumber = lineNumber;
    this.line = line;
  }
}

/** The files of a manifest; each change makes a new one. */
export class Manifest {
  readonly base: AofFileInfo | undefined;
  readonly incr: readonly AofFileInfo[];
  readonly history: readonly AofFileInfo[];
  /** Highest sequence numbers ever used for a base and for an incremental file. */
  readonly baseSeq: number;
  readonly incrSeq: number;

  constructor(
    base: AofFileInfo | undefined,
    incr: readonly AofFileInfo[],
    history: readonly AofFileInfo[],
    baseSeq = base?.seq ?? 0,
    incrSeq = incr.at(-1)?.seq ?? 0,
  ) {
    this.base = base;
    this.incr = incr;
    this.history = history;
    this.baseSeq = baseSeq;
    this.incrSeq = incrSeq;
  }

  static readonly empty = new Manifest(undefined, [], []);

  /** Whether it names no file with data. */
  get isEmpty(): boolean {
    return this.base === undefined && this.incr.length === 0;
  }

  /** With one more incremental file at the end. */
  withIncr(name: string): Manifest {
    const seq = this.incrSeq + 1;
    const incr = [...this.incr, { name, seq, type: 'incr' as const }];
    return new Manifest(this.base, incr, this.history, this.baseSeq, seq);
  }

  /**
   * With a new base, which holds what the old one and all incremental files but the last `keep`
   * hold: these become history.
   */
  withBase(name: string, keep: number): Manifest {
    const seq = this.baseSeq + 1;
    const at = this.incr.length - keep;
    const old = [...(this.base === undefined ? [] : [this.base]), ...this.incr.slice(0, at)];
    const history = [
      ...this.history,
      ...old.map((file) => ({ ...file, type: 'history' as const })),
    ];
    const base = { name, seq, type: 'base' as const };
    return new Manifest(base, this.incr.slice(at), history, seq, this.incrSeq);
  }

  /** The same files; the numbers that another manifest has used count as used. */
  numberedAs(other: Manifest): Manifest {
    const { baseSeq, incrSeq } = other;
    return new Manifest(this.base, this.incr, this.history, baseSeq, incrSeq);
  }

  /** Without the history. */
  withoutHistory(): Manifest {
    return new Manifest(this.base, this.incr, [], this.baseSeq, this.incrSeq);
  }

  /** The bytes of the file. */
  format(): string {
    const files = [...(this.base === undefined ? [] : [this.base]), ...this.history, ...this.incr];
    return files
      .map(({ name, seq, type }) => `file ${quoted(name)} seq ${seq} type ${type[0]}\n`)
      .join('');
  }

  /** Reads the bytes of a file. Throws ManifestError. */
  static parse(text: string): Manifest {
    let base: AofFileInfo | undefined;
    const incr: AofFileInfo[] = [];
    const history: AofFileInfo[] = [];
    const lines = text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    if (lines.length === 0) throw new ManifestError('Found an empty AOF manifest', 0, '');
    for (const [i, line] of lines.entries()) {
      if (line.startsWith('#')) continue;
      const fail = (message: string) => new ManifestError(message, i + 1, line);
      const unended = i === lines.length - 1 && !text.endsWith('\n');
      if (line.length + 1 >= LINE_MAX || unended) {
        throw fail('The AOF manifest file contains too long line');
      }
      const file = parseLine(line);
      if (typeof file === 'string') throw fail(file);
      if (file.type === 'history') history.push(file);
      else if (file.type === 'base') {
        if (base !== undefined) throw fail('Found duplicate base file information');
        base = file;
      } else {
        if (file.seq <= (incr.at(-1)?.seq ?? 0)) {
          throw fail('Found a non-monotonic sequence number');
        }
        incr.push(file);
      }
    }
    return new Manifest(base, incr, history);
  }
}

/** A name as a word of a line: in quotes only where it must be. */
function quoted(name: string): string {
  return /^[!#$%&()*+,\-./0-9:;<=>?@A-Z[\]^_`a-z{|}~]+$/.test(name) ? name : quoteWord(name);
}

/** The file that a line names, or what is wrong with it. */
function parseLine(line: string): AofFileInfo | string {
  const invalid = 'Invalid AOF manifest file format';
  const words = splitWords(line);
  if (words === undefined || words.length < 6 || words.length % 2 !== 0) return invalid;
  const fields = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) fields.set(words[i]!.toLowerCase(), words[i + 1]!);
  const name = fields.get('file');
  const seq = fields.get('seq');
  const type = fields.get('type');
  if (name === undefined || name === '' || seq === undefined || type === undefined) return invalid;
  if (name.includes('/')) return "File can't be a path, just a filename";
  const number = Number.parseInt(seq, 10);
  if (!(number > 0)) return invalid;
  const known = typeOfLetter[type[0] ?? ''];
  if (known === undefined) return 'Unknown AOF file type';
  return { name, seq: number, type: known };
}
