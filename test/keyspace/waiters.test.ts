/** Who is woken for a key, in which order, and how many are asked in vain. */
import { expect, it } from 'vitest';
import { Waiters } from '../../src/keyspace/waiters.ts';
import type { Waiter } from '../../src/keyspace/waiting-lines.ts';
import { between, randomFrom } from '../util/float-texts.ts';

const LIST = 1;
const STREAM = 6;
const KEY = { dbIndex: 0, key: 'k' };

/** So bad that most keys collide. */
const hash = (_buf: Uint8Array, _off: number, len: number): number => len & 1;

interface Client extends Waiter {
  readonly name: string;
}

function client(name: string, want = '', type = LIST, wakesWhenGone = false, keys = ['k']): Client {
  const wants = new Map(keys.map((key) => [key, want]));
  return { name, dbIndex: 0, type, wakesWhenGone, wants, places: [] };
}

it('asks one of each line, and serves the lines as one queue', () => {
  const waiters = new Waiters<Client>(hash);
  const wants = ['a', 'b', 'a', 'c', 'b', 'a', 'c'];
  const all = wants.map((want, i) => client(`${want}${i}`, want));
  for (const one of all) waiters.add(one);
  const asked: string[] = [];
  const round = waiters.round(KEY);
  for (let one = round.next(LIST); one !== undefined; one = round.next(LIST)) {
    asked.push(one.name);
    // Two of line a are served, nobody else.
    if (one.name === 'a0' || one.name === 'a2') waiters.remove(one);
  }
  expect(asked).toEqual(['a0', 'b1', 'a2', 'c3', 'a5']);
});

it('passes over who wants another type, unless it wakes for that', () => {
  const waiters = new Waiters<Client>(hash);
  waiters.add(client('list'));
  waiters.add(client('stream', 'g', STREAM, true));
  const named = (type: number | undefined): (string | undefined)[] => {
    const round = waiters.round(KEY);
    return [round.next(type)?.name, round.next(type)?.name];
  };
  expect(named(LIST)).toEqual(['list', 'stream']);
  expect(named(STREAM)).toEqual(['stream', undefined]);
  expect(named(undefined)).toEqual(['stream', undefined]);
});

it('asks in vain once, however many wait', () => {
  const waiters = new Waiters<Client>(hash);
  for (let i = 0; i < 10_000; i++) waiters.add(client(String(i), 'group'));
  let asked = 0;
  for (let changes = 0; changes < 100; changes++) {
    const round = waiters.round(KEY);
    while (round.next(LIST) !== undefined) asked++;
  }
  expect(asked).toBe(100);
});

it('goes on rightly while waiters come and go', () => {
  const random = randomFrom(7);
  for (let run = 0; run < 300; run++) {
    const waiters = new Waiters<Client>(hash);
    const model: Client[] = [];
    const come = (): void => {
      const one = client(String(run), String(between(random, 0, 4)), LIST, false, ['k', 'other']);
      waiters.add(one);
      model.push(one);
    };
    const go = (one: Client): void => {
      waiters.remove(one);
      model.splice(model.indexOf(one), 1);
    };
    for (let i = 0; i < 20; i++) come();
    const round = waiters.round(KEY);
    const wantOf = (one: Client): string => one.wants.get('k')!;
    const open = new Set(model.map(wantOf));
    for (;;) {
      const one = round.next(LIST);
      expect(one).toBe(model.find((other) => open.has(wantOf(other))));
      if (one === undefined) break;
      const served = random() < 0.6;
      if (served) go(one);
      else open.delete(wantOf(one));
      const other = model[between(random, 0, model.length - 1)];
      if (random() < 0.3 && other !== undefined && other !== one) go(other);
      // A line that was empty and is made anew is not part of the round.
      for (const want of open) if (!model.some((m) => wantOf(m) === want)) open.delete(want);
      if (random() < 0.3) come();
    }
    for (const one of [...model]) go(one);
    expect(waiters.size).toBe(0);
    expect((waiters as unknown as { queues: Map<number, unknown> }).queues.size).toBe(0);
  }
});

it('notes a changed key once, if somebody waits for it, in the order of changes', () => {
  const random = randomFrom(11);
  const names = ['', 'a', 'b', 'ab', 'ba', 'abc', 'key:1', 'key:2', 'longer than all others'];
  const pick = (): string => names[between(random, 0, names.length - 1)]!;
  const waiters = new Waiters<Client>(hash);
  const model: Client[] = [];
  const waited = (key: string): boolean => model.some(({ wants }) => wants.has(key));
  let changed: string[] = [];
  for (let step = 0; step < 5000; step++) {
    const what = random();
    if (what < 0.3 && model.length < 6) {
      const one = client('', '', LIST, false, [...new Set([pick(), pick()])]);
      waiters.add(one);
      model.push(one);
    } else if (what < 0.55 && model.length > 0) {
      const [one] = model.splice(between(random, 0, model.length - 1), 1);
      waiters.remove(one!);
      // Whoever comes after a change looks at the key before waiting.
      changed = changed.filter(waited);
    } else if (what < 0.9) {
      const key = pick();
      const dbIndex = random() < 0.8 ? 0 : 1;
      const text = Buffer.from(`<${key}>`);
      waiters.keyChanged(dbIndex, text, 1, key.length);
      if (dbIndex === 0 && waited(key) && !changed.includes(key)) changed.push(key);
    } else {
      if (changed.length > 0) expect(waiters.hasChanged).toBe(true);
      const taken = [...waiters.take()].filter((key) => key.isWanted(LIST));
      expect(taken.map(({ key }) => key)).toEqual(changed);
      for (const one of taken) expect(one.isWanted(STREAM)).toBe(false);
      expect(waiters.hasChanged).toBe(false);
      changed = [];
    }
  }
  for (const one of model) waiters.remove(one);
  const { byHash } = waiters as unknown as { byHash: Map<number, unknown> };
  expect(byHash.size).toBe(0);
});
