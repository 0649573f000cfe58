/** SHA-1 against Node's own: every length around the ends of blocks, and hashes of hashes. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Sha1 } from '../../src/util/sha1.ts';

function hex(sha: Sha1): string {
  return Array.from(sha.words, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

describe('Sha1', () => {
  it('hashes texts of every length up to 300 bytes as Node does, wherever they lie', () => {
    const sha = new Sha1();
    const bytes = Buffer.from(Array.from({ length: 400 }, (_, i) => (i * 167 + 13) & 0xff));
    for (let len = 0; len <= 300; len++) {
      const off = len % 7;
      sha.hash(bytes, off, len);
      const part = bytes.subarray(off, off + len);
      expect(hex(sha), `${len} bytes`).toBe(createHash('sha1').update(part).digest('hex'));
    }
  });

  it('hashes words as the bytes they stand for', () => {
    const sha = new Sha1();
    sha.hash(Buffer.from('abc'), 0, 3);
    expect(hex(sha)).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
    sha.hashWords(sha.words.slice());
    const once = createHash('sha1').update('abc').digest();
    expect(hex(sha)).toBe(createHash('sha1').update(once).digest('hex'));
  });
});
