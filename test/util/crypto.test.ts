/** Random bytes from the system, or from OpenSSL where the system has no file of them. */
import { expect, it } from 'vitest';
import { crypto, randomBytes } from '../../src/util/crypto.ts';

for (const source of [undefined, '/nowhere', '/dev/null']) {
  it(`randomBytes() of ${source ?? 'the usual source'}`, () => {
    const all = Array.from({ length: 50 }, () => randomBytes(20, source).toString('hex'));
    expect(new Set(all).size).toBe(50);
    expect(all.every((text) => text.length === 40)).toBe(true);
    // Each of 8000 bits is as likely 1 as 0: ten standard deviations are 450.
    const ones = all.join('').replace(/./g, (digit) => Number.parseInt(digit, 16).toString(2));
    expect(Math.abs(ones.replaceAll('0', '').length - 4000)).toBeLessThan(450);
  });
}

it("crypto() is Node's", () => {
  expect(crypto().createHash('sha1').update('').digest('hex')).toMatch(/^da39a3ee/);
});
