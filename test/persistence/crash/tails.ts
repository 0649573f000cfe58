/**
 * Append-only files cut off at every byte: what is loaded is the data after the last whole command
 * or transaction, and the file ends there from then on.
 */
import { BareServer, Inspector } from '../../harness/bare-server.ts';
import { SimulatedDisk } from '../../harness/simulated-disk.ts';

export const INCR = '/appendonlydir/appendonly.aof.1.incr.aof';
const DIRECTORY = '/appendonlydir';

/** An append-only file, and the data at its whole places. */
export interface RecordedFile {
  readonly disk: SimulatedDisk;
  readonly bytes: Buffer;
  /** Places after whole commands and transactions, in order, with the digest of the data there. */
  readonly ends: readonly { readonly at: number; readonly digest: string }[];
}

/** Records a file of about so many bytes with commands of all types. */
export async function recordFile(
  bytes: number,
  directives: Readonly<Record<string, string>> = {},
): Promise<RecordedFile> {
  const disk = new SimulatedDisk();
  const bare = new BareServer(disk, { appendonly: 'yes', ...directives });
  await bare.start();
  const ends = [{ at: 0, digest: bare.digest() }];
  for (let i = 0; disk.read(INCR).length < bytes; i++) {
    const lines = commands(i);
    bare.run(...lines);
    bare.aof.prepare();
    bare.nowMs += 700;
    const at = disk.read(INCR).length;
    if (at > ends.at(-1)!.at) ends.push({ at, digest: bare.digest() });
  }
  return { disk, bytes: disk.read(INCR), ends };
}

function commands(i: number): string[] {
  switch (i % 12) {
    case 0:
      return [`SET s${i % 5} ${'v'.repeat(i % 90)}`];
    case 1:
      return ['MULTI', `RPUSH l ${i} a b`, 'INCR c', 'EXEC'];
    case 2:
      return [`HSET h f${i} ${i}`];
    case 3:
      return [`ZADD z ${i}.5 m${i}`];
    case 4:
      return [`SADD t ${i} ${i + 1}`];
    case 5:
      return [`XADD x ${i + 1}-1 f v`];
    case 6:
      return ['MULTI', 'SELECT 3', `SET other ${i}`, 'SELECT 0', `APPEND s0 ${i}`, 'EXEC'];
    case 7:
      return [`SETRANGE r ${i % 50} x`];
    case 8:
      return ['LPOP l'];
    case 9:
      return [`PFADD p ${i}`];
    case 10:
      return [`SET e${i} v EXAT 4000000000`];
    default:
      return [`DEL e${i - 1}`];
  }
}

/** The files as they are, but for the last one, which has these bytes. */
export function withTail({ disk }: RecordedFile, bytes: Buffer): SimulatedDisk {
  const torn = new SimulatedDisk();
  for (const name of disk.list(DIRECTORY)) {
    torn.put(`${DIRECTORY}/${name}`, disk.read(`${DIRECTORY}/${name}`));
  }
  torn.put(INCR, bytes);
  return torn;
}

/** Cuts the file off at every `step`-th byte. Returns how many; throws where it goes wrong. */
export function checkTails(file: RecordedFile, step: number): number {
  const inspector = new Inspector();
  let count = 0;
  let whole = 0;
  for (let at = 0; at <= file.bytes.length; at += step) {
    while (whole + 1 < file.ends.length && file.ends[whole + 1]!.at <= at) whole++;
    const torn = withTail(file, file.bytes.subarray(0, at));
    const { at: end, digest } = file.ends[whole]!;
    if (inspector.aofDigest(torn) !== digest) throw new Error(`cut off at ${at}: other data`);
    const length = torn.read(INCR).length;
    // A note of the time, or of the database, before the next command is whole by itself.
    const note = file.bytes.subarray(end, length).toString('latin1');
    if (!/^(#TS:\d+\r\n|\*2\r\n\$6\r\nSELECT\r\n\$\d\r\n\d\r\n)*$/.test(note)) {
      throw new Error(`cut off at ${at}: ${length} bytes are kept, not ${end}`);
    }
    count++;
  }
  return count;
}
