/**
 * XXH3, 64 bits, seed 0: the digest of DIGEST and IFDEQ. Written from the public specification of
 * the xxHash family; 64-bit arithmetic in BigInt, in strides of a block for long input.
 */

const MASK = (1n << 64n) - 1n;
const P32_1 = 0x9e3779b1n;
const P32_2 = 0x85ebca77n;
const P32_3 = 0xc2b2ae3dn;
const P64_1 = 0x9e3779b185ebca87n;
const P64_2 = 0xc2b2ae3d27d4eb4fn;
const P64_3 = 0x165667b19e3779f9n;
const P64_4 = 0x85ebca77c2b2ae63n;
const P64_5 = 0x27d4eb2f165667c5n;
const PMX1 = 0x165667919e3779f9n;
const PMX2 = 0x9fb21c651e98df25n;

/** The default secret of the specification, 192 bytes. */
const secret = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578' +
    '825ad07dccff7221b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea3' +
    '71644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931' +
    'c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e' +
    '2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
);

/** The digest of `buf[off .. off + len)` as 16 lower-case hex digits. O(len). */
export function xxh3Hex(buf: Uint8Array, off: number, len: number): string {
  const view = Buffer.from(buf.buffer, buf.byteOffset + off, len);
  return xxh3(view).toString(16).padStart(16, '0');
}

/** XXH3_64bits of a buffer, as an unsigned BigInt. O(length). */
export function xxh3(input: Buffer): bigint {
  const { length } = input;
  if (length <= 16) return upTo16(input);
  if (length <= 128) return upTo128(input);
  if (length <= 240) return upTo240(input);
  return long(input);
}

const u32 = (b: Buffer, at: number) => BigInt(b.readUInt32LE(at));
const u64 = (b: Buffer, at: number) => b.readBigUInt64LE(at);

function avalanche(hash: bigint): bigint {
  let h = hash ^ (hash >> 37n);
  h = (h * PMX1) & MASK;
  return h ^ (h >> 32n);
}

function avalanche64(hash: bigint): bigint {
  let h = hash ^ (hash >> 33n);
  h = (h * P64_2) & MASK;
  h ^= h >> 29n;
  h = (h * P64_3) & MASK;
  return h ^ (h >> 32n);
}

function foldedProduct(a: bigint, b: bigint): bigint {
  const product = a * b;
  return (product & MASK) ^ (product >> 64n);
}

function byteSwap(n: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(n);
  return bytes.readBigUInt64BE(0);
}

function rotate(n: bigint, by: bigint): bigint {
  return ((n << by) | (n >> (64n - by))) & MASK;
}

function upTo16(input: Buffer): bigint {
  const { length } = input;
  if (length > 8) {
    const low = u64(input, 0) ^ u64(secret, 24) ^ u64(secret, 32);
    const high = u64(input, length - 8) ^ u64(secret, 40) ^ u64(secret, 48);
    const sum = BigInt(length) + byteSwap(low) + high + foldedProduct(low, high);
    return avalanche(sum & MASK);
  }
  if (length >= 4) {
    const combined = u32(input, length - 4) + (u32(input, 0) << 32n);
    let h = combined ^ u64(secret, 8) ^ u64(secret, 16);
    h ^= rotate(h, 49n) ^ rotate(h, 24n);
    h = (h * PMX2) & MASK;
    h ^= (h >> 35n) + BigInt(length);
    h = (h * PMX2) & MASK;
    return h ^ (h >> 28n);
  }
  if (length > 0) {
    const c1 = input[0]!;
    const c2 = input[length >> 1]!;
    const c3 = input[length - 1]!;
    const combined = BigInt(((c1 << 16) | (c2 << 24) | c3 | (length << 8)) >>> 0);
    return avalanche64(combined ^ u32(secret, 0) ^ u32(secret, 4));
  }
  return avalanche64(u64(secret, 56) ^ u64(secret, 64));
}

function mix16(input: Buffer, at: number, key: number): bigint {
  return foldedProduct(
    u64(input, at) ^ u64(secret, key),
    u64(input, at + 8) ^ u64(secret, key + 8),
  );
}

function upTo128(input: Buffer): bigint {
  const { length } = input;
  let acc = BigInt(length) * P64_1;
  for (let i = (length - 1) >> 5; i >= 0; i--) {
    acc += mix16(input, 16 * i, 32 * i);
    acc += mix16(input, length - 16 * (i + 1), 32 * i + 16);
  }
  return avalanche(acc & MASK);
}

function upTo240(input: Buffer): bigint {
  const { length } = input;
  const rounds = length >> 4;
  let acc = BigInt(length) * P64_1;
  for (let i = 0; i < 8; i++) acc += mix16(input, 16 * i, 16 * i);
  acc = avalanche(acc & MASK);
  for (let i = 8; i < rounds; i++) acc += mix16(input, 16 * i, 16 * (i - 8) + 3);
  acc += mix16(input, length - 16, 136 - 17);
  return avalanche(acc & MASK);
}

const STRIPE = 64;
const STRIPES_PER_BLOCK = (secret.length - STRIPE) / 8;
const BLOCK = STRIPE * STRIPES_PER_BLOCK;

function accumulate(acc: BigUint64Array, input: Buffer, at: number, key: number): void {
  for (let i = 0; i < 8; i++) {
    const data = u64(input, at + 8 * i);
    const keyed = data ^ u64(secret, key + 8 * i);
    acc[i ^ 1]! += data;
    acc[i]! += (keyed & 0xffffffffn) * (keyed >> 32n);
  }
}

function scramble(acc: BigUint64Array): void {
  for (let i = 0; i < 8; i++) {
    const a = acc[i]!;
    acc[i] = (a ^ (a >> 47n) ^ u64(secret, secret.length - STRIPE + 8 * i)) * P32_1;
  }
}

function long(input: Buffer): bigint {
  const { length } = input;
  const acc = BigUint64Array.of(P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1);
  const blocks = Math.floor((length - 1) / BLOCK);
  for (let block = 0; block < blocks; block++) {
    for (let s = 0; s < STRIPES_PER_BLOCK; s++) {
      accumulate(acc, input, block * BLOCK + s * STRIPE, s * 8);
    }
    scramble(acc);
  }
  const stripes = Math.floor((length - 1 - BLOCK * blocks) / STRIPE);
  for (let s = 0; s < stripes; s++) accumulate(acc, input, blocks * BLOCK + s * STRIPE, s * 8);
  accumulate(acc, input, length - STRIPE, secret.length - STRIPE - 7);
  let result = BigInt(length) * P64_1;
  for (let i = 0; i < 4; i++) {
    const at = 11 + 16 * i;
    result += foldedProduct(acc[2 * i]! ^ u64(secret, at), acc[2 * i + 1]! ^ u64(secret, at + 8));
  }
  return avalanche(result & MASK);
}
