/**
 * Passwords: what is kept of them, and that comparing tells nothing by the time it takes. The
 * figures are of a coarse kind: what they must show is that nothing is skipped.
 */
import { expect, it } from 'vitest';
import { hashOf, isHash, isOneOf } from '../../src/acl/passwords.ts';
import { closeAll, startServer } from '../harness/in-process-server.ts';

it('are kept as SHA-256 digests in lower case', () => {
  const hash = hashOf('p');
  expect(hash).toBe('148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940');
  expect(isHash(hash)).toBe(true);
  for (const wrong of ['', hash.toUpperCase(), hash.slice(1), `${hash}0`, `${hash.slice(1)}g`]) {
    expect(isHash(wrong)).toBe(false);
  }
});

it('any of several fits, nothing fits none', () => {
  const digests = ['a', 'b'].map((text) => Buffer.from(hashOf(text), 'hex'));
  expect(isOneOf(Buffer.from('b'), digests)).toBe(true);
  expect(isOneOf(Buffer.from('c'), digests)).toBe(false);
  expect(isOneOf(Buffer.from(''), [])).toBe(false);
});

it('takes as long for a name that nobody has, for one that is off, for a wrong password', async () => {
  const server = await startServer();
  const { users } = server.acl;
  const [on, off, nobody] = ['on', 'off', 'nobody'].map((name) => users.create(name));
  for (const rule of ['on', '>secret']) on!.apply(rule);
  off!.apply('>secret');
  const password = Buffer.from('guess');
  const fastest = (user: typeof on) => {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 40; round++) {
      const start = performance.now();
      for (let i = 0; i < 200; i++) expect(user!.accepts(password)).toBe(false);
      best = Math.min(best, performance.now() - start);
    }
    return best;
  };
  fastest(on);
  const times = [fastest(on), fastest(off), fastest(nobody)];
  expect(Math.max(...times) / Math.min(...times)).toBeLessThan(1.5);
  await closeAll();
});
