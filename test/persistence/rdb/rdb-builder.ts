/**
 * Puts RDB files together by hand, in every form that some version of Redis wrote: an encoder of
 * its own, so that the reader is not tested against the writer alone.
 */
import { Crc64 } from '../../../src/util/crc64.ts';

export type Text = string | Uint8Array;

function bytesOf(text: Text): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'latin1') : Buffer.from(text);
}

/** A length as files have it, in the shortest form. */
export function length(n: number): Buffer {
  if (n < 64) return Buffer.of(n);
  if (n < 16384) return Buffer.of(0x40 | (n >> 8), n & 0xff);
  const bytes = Buffer.alloc(5);
  bytes[0] = 0x80;
  bytes.writeUInt32BE(n, 1);
  return bytes;
}

export function text(value: Text): Buffer {
  const bytes = bytesOf(value);
  return Buffer.concat([length(bytes.length), bytes]);
}

/** A collection's number of parts, and the parts. */
export function counted(parts: readonly Uint8Array[], perElement = 1): Buffer {
  return Buffer.concat([length(parts.length / perElement), ...parts]);
}

export function texts(values: readonly Text[], perElement = 1): Buffer {
  return counted(values.map(text), perElement);
}

export function int64(n: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(n));
  return bytes;
}

export function double(n: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(n);
  return bytes;
}

/** A double as text behind its length: scores of redis 1.2 to 3.2. */
export function textDouble(value: string): Buffer {
  const special = { nan: 253, inf: 254, '-inf': 255 }[value];
  return special === undefined
    ? Buffer.concat([Buffer.of(value.length), Buffer.from(value)])
    : Buffer.of(special);
}

/** A ziplist of texts and integers, as redis 2.2 to 6.2 wrote it. */
export function ziplist(elements: readonly (string | number)[]): Buffer {
  const entries: Buffer[] = [];
  let before = 0;
  let offset = 10;
  let last = 10;
  for (const element of elements) {
    const previous = before < 254 ? Buffer.of(before) : Buffer.from([0xfe, ...le32(before)]);
    const entry = Buffer.concat([previous, ziplistData(element)]);
    entries.push(entry);
    last = offset;
    before = entry.length;
    offset += entry.length;
  }
  const count = Buffer.from([elements.length & 0xff, elements.length >> 8]);
  return Buffer.concat([le32(offset + 1), le32(last), count, ...entries, Buffer.of(0xff)]);
}

function ziplistData(element: string | number): Buffer {
  if (typeof element === 'number') return ziplistInteger(element);
  const bytes = Buffer.from(element, 'latin1');
  const n = bytes.length;
  if (n < 64) return Buffer.concat([Buffer.of(n), bytes]);
  if (n < 16384) return Buffer.concat([Buffer.of(0x40 | (n >> 8), n & 0xff), bytes]);
  const head = Buffer.alloc(5);
  head[0] = 0x80;
  head.writeUInt32BE(n, 1);
  return Buffer.concat([head, bytes]);
}

function ziplistInteger(n: number): Buffer {
  if (n >= 0 && n <= 12) return Buffer.of(0xf1 + n);
  if (n >= -128 && n <= 127) return Buffer.of(0xfe, n & 0xff);
  const bytes = int64(n);
  if (n >= -32768 && n <= 32767) return Buffer.concat([Buffer.of(0xc0), bytes.subarray(0, 2)]);
  if (n >= -8388608 && n <= 8388607) return Buffer.concat([Buffer.of(0xf0), bytes.subarray(0, 3)]);
  if (n === (n | 0)) return Buffer.concat([Buffer.of(0xd0), bytes.subarray(0, 4)]);
  return Buffer.concat([Buffer.of(0xe0), bytes]);
}

export function le32(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(n);
  return bytes;
}

/** A zipmap of texts shorter than 254, two by two, with a spare byte behind each value. */
export function zipmap(values: readonly string[]): Buffer {
  const parts = values.map((value, i) => {
    const bytes = Buffer.from(value, 'latin1');
    if (i % 2 === 0) return Buffer.concat([Buffer.of(bytes.length), bytes]);
    return Buffer.concat([Buffer.of(bytes.length, 1), bytes, Buffer.of(0)]);
  });
  return Buffer.concat([Buffer.of(values.length / 2), ...parts, Buffer.of(0xff)]);
}

/** An intset of integers of 2, 4 or 8 bytes, in order. */
export function intset(width: 2 | 4 | 8, values: readonly number[]): Buffer {
  const parts = values.map((n) => int64(n).subarray(0, width));
  return Buffer.concat([le32(width), le32(values.length), ...parts]);
}

/** A listpack of short texts and of integers below 128. */
export function listpack(elements: readonly (string | number)[]): Buffer {
  const parts = elements.map((element) => {
    if (typeof element === 'number' && element < 128) return Buffer.of(element, 1);
    if (typeof element === 'number') {
      return Buffer.concat([Buffer.of(0xf4), int64(element), Buffer.of(9)]);
    }
    const bytes = Buffer.from(element, 'latin1');
    return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes, Buffer.of(bytes.length + 1)]);
  });
  const body = Buffer.concat([...parts, Buffer.of(0xff)]);
  const count = Buffer.from([elements.length & 0xff, elements.length >> 8]);
  return Buffer.concat([le32(body.length + 6), count, body]);
}

/** A key with a value of an RDB type. */
export function key(type: number, name: Text, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(type), text(name), value]);
}

export function stringKey(name: Text, value: Text): Buffer {
  return key(0, name, text(value));
}

/** A file of a version: magic, parts, end and, since version 5, a checksum, right or 0. */
export function file(version: number, parts: readonly Uint8Array[], checksum = true): Buffer {
  const header = Buffer.from(`REDIS${String(version).padStart(4, '0')}`);
  const body = Buffer.concat([header, ...parts, Buffer.of(0xff)]);
  if (version < 5) return body;
  const footer = Buffer.alloc(8);
  if (checksum) {
    const crc = new Crc64();
    crc.update(body, 0, body.length);
    crc.write(footer, 0);
  }
  return Buffer.concat([body, footer]);
}
