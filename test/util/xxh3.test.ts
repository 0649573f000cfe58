/**
 * XXH3-64 against vectors of the reference implementation: libxxhash 0.8.1 over the buffer of
 * xxHash's own sanity test, in every length class and around each border.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { xxh3, xxh3Hex } from '../../src/util/xxh3.ts';

/** The bytes of xxHash's sanity test: the top byte of a product of primes, again and again. */
function sanityBuffer(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let generator = 2654435761n;
  for (let i = 0; i < length; i++) {
    bytes[i] = Number(generator >> 56n);
    generator = BigInt.asUintN(64, generator * 11400714785074694797n);
  }
  return bytes;
}

/** Length, digest. Lengths 0, 1, 6, 12, 24, 48, 80, 195, 512 are in xxHash's published table, too. */
const vectors: readonly (readonly [length: number, digest: string])[] = [
  [0, '2d06800538d394c2'],
  [1, 'c44bdff4074eecdb'],
  [2, '7a9978044cb8a8bb'],
  [3, '54247382a8d6b94d'],
  [4, 'e5dc74bc51848a51'],
  [5, 'e4243f00720306bb'],
  [6, '27b56a84cd2d7325'],
  [7, '9941e0007f555e50'],
  [8, '24ccc9acaa9f65e4'],
  [9, '14d5001c15dd3f2b'],
  [12, 'a713daf0dfbb77e7'],
  [15, '45556d4d6e1798bc'],
  [16, '981b17d36c7498c9'],
  [17, '796f5acd3a60f862'],
  [24, 'a3fe70bf9d3510eb'],
  [31, '5d516692ca764c50'],
  [32, '9feaddbdbf57eed3'],
  [33, 'abfb2d081b400a10'],
  [48, '397da259ecba1f11'],
  [63, '83d74a75f2c2577a'],
  [64, '9cb48487720ec49d'],
  [65, 'fd81aac4bebc3883'],
  [80, 'bcdefbbb2c47c90a'],
  [95, 'c0dd460b48116cda'],
  [96, '935a769a7f94776f'],
  [97, 'ca4ca268fd3c3a6c'],
  [112, 'd13d8f57931eef19'],
  [127, '2408ed71323d6096'],
  [128, 'fcff24126754d861'],
  [129, '98f1b0a679a2ca29'],
  [144, 'c440d47e5f03fe58'],
  [160, '9d03a319ed4cbd2b'],
  [176, '6a79c99804538253'],
  [192, 'af9f58e78b8d3587'],
  [195, 'cd94217ee362ec3a'],
  [208, '2cf1e5eb7433aa4d'],
  [222, 'b9163b558664d356'],
  [239, '16ce2b9d3b28805d'],
  [240, '81c3c2b67f568ccf'],
  [241, 'c5a639ecd2030e5e'],
  [255, 'e98f979f4ed8a197'],
  [256, '55de574ad89d0ac5'],
  [257, 'b17fd5a8ae75bb0b'],
  [319, '0fcaa9e59ec5a883'],
  [320, '75620d350ff5c694'],
  [403, 'cdeb804d65c6dea4'],
  [512, '617e49599013cb6b'],
  [513, 'f7037d3b6722aeec'],
  [1023, '87a8f7b2f2e22496'],
  [1024, 'dd85c9b5c1109c5c'],
  [1025, 'd870c0fa13211c6a'],
  [1087, '047f181e7c8a41b9'],
  [1088, 'cc1450ea6b52a8f4'],
  [1089, 'ef727b2effc4cc8c'],
  [2047, 'b36ece19fca2197f'],
  [2048, 'dd59e2c3a5f038e0'],
  [2049, 'd3afa4329779b921'],
  [2099, 'c6b9d9b3fc9ac765'],
  [2240, '6e73a90539cf2948'],
  [2367, 'cb37aeb9e5d361ed'],
  [3072, '696bf231f32ab848'],
  [4096, 'e91206429d1f48f9'],
  [4097, 'dac80d543e339451'],
  [4160, '4f323b15321e94e1'],
  [4161, 'efb6ccb06c0b206a'],
];

/** Every length from 0 to 4161 in one number: h = rotate(h, 1) ^ digest, by libxxhash 0.8.1. */
const CHAINED = 'a05376a731cee20a';

const buffer = sanityBuffer(4161);

describe('xxh3Hex()', () => {
  it.each(vectors)('of %d bytes is %s', (length, digest) => {
    expect(xxh3Hex(buffer, 0, length)).toBe(digest);
    expect(xxh3(buffer, 0, length)).toBe(BigInt(`0x${digest}`));
  });

  it('is right for every length up to 4161', () => {
    let chain = 0n;
    for (let length = 0; length <= 4161; length++) {
      const rotated = BigInt.asUintN(64, chain << 1n) | (chain >> 63n);
      chain = rotated ^ xxh3(buffer, 0, length);
    }
    expect(chain.toString(16).padStart(16, '0')).toBe(CHAINED);
  });

  it('of a known text is the one of other implementations', () => {
    const hello = Buffer.from('hello');
    expect(xxh3Hex(hello, 0, hello.length)).toBe('9555e8555c62dcfd');
  });

  it('reads only its range, at any offset and over shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(5000));
    const range = fc.tuple(fc.nat(40), fc.oneof(fc.nat(300), fc.nat(3000)));
    fc.assert(
      fc.property(range, fc.nat(255), ([off, len], around) => {
        shared.fill(around);
        shared.set(buffer.subarray(0, len), off);
        expect(xxh3Hex(shared, off, len)).toBe(xxh3Hex(buffer, 0, len));
        expect(xxh3Hex(shared.subarray(off), 0, len)).toBe(xxh3Hex(buffer, 0, len));
      }),
    );
  });
});
