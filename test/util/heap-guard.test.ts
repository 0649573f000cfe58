/** The guard of the heap, with figures of our own in V8's place. */
import { describe, expect, it } from 'vitest';
import { HeapGuard } from '../../src/util/heap-guard.ts';

const MB = 1024 * 1024;

function guarded(used: number, limit: number) {
  const figures = { used, limit };
  let looks = 0;
  const guard = new HeapGuard(() => {
    looks++;
    return figures;
  });
  const log: string[] = [];
  guard.tell((line) => log.push(line));
  return { guard, figures, log, looks: () => looks };
}

describe('the guard of the heap', () => {
  it('refuses what holders count past half of the limit', () => {
    const { guard } = guarded(20 * MB, 100 * MB);
    guard.count('subscriptions', 49 * MB);
    expect(guard.hasRoom(900 * 1024)).toBe(true);
    guard.renew();
    expect(guard.hasRoom(1100 * 1024)).toBe(false);
    expect(() => guard.require(2 * MB)).toThrow(/^OOM /);
    guard.count('subscriptions', -10 * MB);
    expect(guard.hasRoom(2 * MB)).toBe(true);
  });

  it('refuses everything near the limit, whoever has filled the heap', () => {
    const { guard, figures } = guarded(79 * MB, 100 * MB);
    expect(guard.hasRoom(2 * MB)).toBe(false);
    figures.used = 50 * MB;
    expect(guard.hasRoom(29 * MB)).toBe(true);
    guard.ceiling = 60 * MB;
    guard.renew();
    expect(guard.hasRoom(1)).toBe(false);
  });

  it('asks V8 once in a megabyte, and grants no more than it was told of', () => {
    const { guard, looks } = guarded(0, 100 * MB);
    for (let i = 0; i < 10_000; i++) guard.require(100);
    expect(looks()).toBeLessThan(4);
    const nearly = guarded(0, 10 * MB);
    nearly.guard.count('clients', 5 * MB - 500);
    for (let i = 0; i < 5; i++) {
      nearly.guard.require(100);
      nearly.guard.count('clients', 100);
    }
    expect(() => nearly.guard.require(100)).toThrow(/^OOM /);
  });

  it('names the largest holders, once in a while', () => {
    const { guard, log } = guarded(90 * MB, 100 * MB);
    guard.count('watched keys', 2 * MB);
    guard.count('subscriptions', 30 * MB);
    guard.count('scripts', 3 * MB);
    guard.count('blocked commands', MB);
    for (let i = 0; i < 100; i++) expect(guard.hasRoom(MB)).toBe(false);
    expect(log).toEqual([
      'The heap is nearly full (90.0M of 100.0M): growth is refused. Largest holders: ' +
        'subscriptions 30.0M, scripts 3.0M, watched keys 2.0M.',
    ]);
    expect(guard.refusals).toBe(100);
  });
});
