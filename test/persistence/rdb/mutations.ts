/**
 * Damage to DUMP payloads: changed, added, removed and moved bytes, with the checksum made right
 * again so that the damage reaches whoever reads the value.
 */
import { Crc64 } from '../../../src/util/crc64.ts';
import { between } from '../../util/float-texts.ts';

type Random = () => number;

const FOOTER = 10;
/** Lengths, encodings and ends that mean something in one of the formats. */
const TELLING = [
  0, 1, 2, 3, 0x0a, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xd0,
].concat([0xdf, 0xe0, 0xef, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xfd, 0xfe, 0xff]);

/** Type and value with a footer of version 10. */
export function payloadOf(body: Uint8Array, version = 10): Buffer {
  const payload = Buffer.alloc(body.length + FOOTER);
  payload.set(body);
  payload.writeUInt16LE(version, body.length);
  const crc = new Crc64();
  crc.update(payload, 0, body.length + 2);
  crc.write(payload, body.length + 2);
  return payload;
}

/** The body of a payload: type and value. */
export function bodyOf(payload: Buffer): Buffer {
  return payload.subarray(0, payload.length - FOOTER);
}

function place(random: Random, length: number): number {
  // The start of a value has the most to say.
  const most = random() < 0.4 ? Math.min(length, 24) : length;
  return between(random, 0, Math.max(0, most - 1));
}

type Mutation = (body: Buffer, random: Random, others: readonly Buffer[]) => Buffer;

const mutations: readonly Mutation[] = [
  function flipBit(body, random) {
    const at = place(random, body.length);
    body[at]! ^= 1 << between(random, 0, 7);
    return body;
  },
  function setByte(body, random) {
    const at = place(random, body.length);
    body[at] =
      random() < 0.5 ? TELLING[between(random, 0, TELLING.length - 1)]! : between(random, 0, 255);
    return body;
  },
  function addToByte(body, random) {
    const at = place(random, body.length);
    body[at] = body[at]! + between(random, -2, 2);
    return body;
  },
  function swapBytes(body, random) {
    const a = place(random, body.length);
    const b = place(random, body.length);
    const held = body[a]!;
    body[a] = body[b]!;
    body[b] = held;
    return body;
  },
  function copyRun(body, random) {
    const length = between(random, 1, 12);
    const from = place(random, body.length);
    body.copyWithin(place(random, body.length), from, from + length);
    return body;
  },
  function removeRun(body, random) {
    const at = place(random, body.length);
    return Buffer.concat([body.subarray(0, at), body.subarray(at + between(random, 1, 8))]);
  },
  function insertRun(body, random) {
    const at = place(random, body.length);
    const run = Buffer.from(
      Array.from({ length: between(random, 1, 8) }, () => between(random, 0, 255)),
    );
    return Buffer.concat([body.subarray(0, at), run, body.subarray(at)]);
  },
  function truncate(body, random) {
    return body.subarray(0, place(random, body.length) + 1);
  },
  function splice(body, random, others) {
    const other = others[between(random, 0, others.length - 1)]!;
    const tail = other.subarray(place(random, other.length));
    return Buffer.concat([body.subarray(0, place(random, body.length)), tail]);
  },
  function retype(body, random) {
    body[0] = between(random, 0, 26);
    return body;
  },
];

/** A copy of a body, damaged in one to four ways. */
export function mutate(body: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  let result: Buffer = Buffer.from(body);
  for (let n = between(random, 1, 4); n > 0 && result.length > 0; n--) {
    // Most damage keeps the length: another one seldom gets past the first check.
    const most = random() < 0.75 ? 4 : mutations.length - 1;
    result = mutations[between(random, 0, most)]!(result, random, others);
  }
  return result;
}
