/**
 * Units of effects as the bytes of one stream of commands: each line as a RESP array, SELECT where
 * the database changes, MULTI and EXEC around a unit whose lines belong together. The append-only
 * file is such a stream; what replicas get is another.
 *
 * Source: append-only file of redis-server 7.0.15 (SELECT comes before MULTI).
 */
import type { EffectUnit } from '../../keyspace/journal.ts';

const FIRST_BYTES = 64 * 1024;
/** A buffer that grew beyond this is given up when it is emptied. */
const KEPT_BYTES = 4 * 1024 * 1024;
/** `*`, at most 10 digits and a line end. */
const HEADER_BYTES = 13;
const MULTI = Buffer.from('*1\r\n$5\r\nMULTI\r\n');
const EXEC = Buffer.from('*1\r\n$4\r\nEXEC\r\n');

export class EffectEncoder {
  /** What was encoded and not taken yet: `buf[0 .. length)`. */
  buf = Buffer.allocUnsafeSlow(FIRST_BYTES);
  length = 0;
  /** Bit of `Target`: lines that are not for this stream are left out. */
  private readonly target: number;
  /** Database selected in the stream, -1 when none is. */
  private selected = -1;
  /** Second of the last timestamp, or -1. */
  private stampedSecond = -1;

  constructor(target: number) {
    this.target = target;
  }

  /** Database selected in the stream so far, -1 when none is. */
  get selectedDb(): number {
    return this.selected;
  }

  /** Appends a unit. O(bytes). */
  append(unit: EffectUnit): void {
    const { target } = this;
    let lines = 0;
    for (let i = 0; i < unit.count; i++) if ((unit.targets(i) & target) !== 0) lines++;
    if (lines === 0) return;
    const wrap = unit.isAtomic && lines > 1;
    let opened = false;
    for (let i = 0; i < unit.count; i++) {
      if ((unit.targets(i) & target) === 0) continue;
      this.select(unit.dbIndex(i));
      if (wrap && !opened) {
        this.put(MULTI, 0, MULTI.length);
        opened = true;
      }
      this.header(unit.argc(i));
      const from = unit.start(i);
      this.put(unit.buf, from, unit.start(i + 1) - from);
    }
    if (wrap) this.put(EXEC, 0, EXEC.length);
  }

  /** Puts `#TS:<unix seconds>` before what comes next, once for each second. */
  stamp(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    if (second === this.stampedSecond) return;
    this.stampedSecond = second;
    const line = Buffer.from(`#TS:${second}\r\n`, 'latin1');
    this.put(line, 0, line.length);
  }

  /** Another stream begins: nothing is selected in it. */
  restart(): void {
    this.selected = -1;
    this.stampedSecond = -1;
  }

  /** What was encoded is taken. */
  clear(): void {
    this.length = 0;
    if (this.buf.length > KEPT_BYTES) this.buf = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  private select(dbIndex: number): void {
    if (dbIndex === this.selected) return;
    this.selected = dbIndex;
    const text = String(dbIndex);
    const line = Buffer.from(`*2\r\n$6\r\nSELECT\r\n$${text.length}\r\n${text}\r\n`, 'latin1');
    this.put(line, 0, line.length);
  }

  private header(argc: number): void {
    this.makeRoom(HEADER_BYTES);
    const { buf } = this;
    let at = this.length;
    buf[at++] = 42; // *
    if (argc < 10) buf[at++] = 48 + argc;
    else at += buf.write(String(argc), at, 'latin1');
    buf[at] = 13;
    buf[at + 1] = 10;
    this.length = at + 2;
  }

  private put(from: Uint8Array, off: number, len: number): void {
    this.makeRoom(len);
    const { buf, length } = this;
    if (len < 64) for (let i = 0; i < len; i++) buf[length + i] = from[off + i]!;
    else buf.set(from.subarray(off, off + len), length);
    this.length = length + len;
  }

  private makeRoom(bytes: number): void {
    const need = this.length + bytes;
    if (need <= this.buf.length) return;
    const buf = Buffer.allocUnsafeSlow(Math.max(need, this.buf.length * 2));
    this.buf.copy(buf, 0, 0, this.length);
    this.buf = buf;
  }
}
