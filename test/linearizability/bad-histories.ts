/**
 * Histories of servers that do make mistakes: each kind changes a good history without lost
 * operations so that nothing can explain it. Values are unique and clients do not count from one
 * SET to the next (see good-histories.ts), so each value stands at a key for one stretch of time.
 */
import type { Action, Operation, Result } from './checker.ts';
import type { Random } from './random.ts';

type History = readonly Operation[];

/** The changed history; undefined when this one has no place for the change. */
export type Mutation = (history: History, random: Random) => Operation[] | undefined;

export const mutations: Readonly<Record<string, Mutation>> = {
  // Reads.
  'read of a value from nowhere': atOne('GET', () => '77'),
  'read of two values glued together': atOne('GET', (g) => g.result && `${g.result}${g.result}`),
  'read of nil after a write': atOne('GET', (g, h) =>
    h.some((w) => written(w) !== undefined && before(w, g)) ? null : undefined,
  ),
  'stale read': atOne('GET', (g, h) => overwrittenBefore(g, h)),
  'stale read of the own write': (history, random) => {
    const set = some(history, random, (o) => o.action[0] === 'SET' && !isLast(o, history));
    if (set === undefined) return undefined;
    const stale = overwrittenBefore(set, history);
    const own = { ...set, action: ['GET'] as const, result: stale ?? null };
    const mine = { ...own, call: set.end + 0.1, end: set.end + 0.2 };
    return stale === undefined ? undefined : [...history, mine];
  },
  'read of a value not yet written': atOne(
    'GET',
    (g, h) => written(h.find((w) => w.key === g.key && written(w) && before(g, w))) ?? undefined,
  ),
  'read of another key': atOne(
    'GET',
    (g, h) => written(h.find((w) => w.key !== g.key && w.action[0] === 'SET')) ?? undefined,
  ),
  'reads that go backwards': (history, random) => {
    for (const later of shuffled(history, random).filter(({ action }) => action[0] === 'GET')) {
      const new_ = writer(later.result, later.key, history);
      const earlier = history.find((o) => {
        const old = sameKind(o, later) ? writer(o.result, o.key, history) : undefined;
        return old && new_ && before(o, later) && before(old, new_);
      });
      if (earlier !== undefined) return swapped(history, earlier, later, 'result');
    }
    return undefined;
  },
  'reads that go forth and back': appended('r1', (at) => [
    at(0, ['SET', '91'], 'OK'),
    at(1, ['SET', '92'], 'OK'),
    at(0, ['GET'], '92', 1),
    at(2, ['GET'], '91'),
    at(3, ['GET'], '92'),
  ]),
  'readers that disagree on the order of writes': appended('r1', (at) => [
    at(0, ['SET', '91'], 'OK', 9),
    at(0, ['SET', '92'], 'OK', 9),
    at(1, ['GET'], '91', 1),
    at(2, ['GET'], '92', 1),
    at(1, ['GET'], '92', 1),
    at(2, ['GET'], '91'),
  ]),

  // Writes.
  'acknowledged SET that never happened': (history, random) => {
    const lost = some(history, random, (o) => o.action[0] === 'SET' && isSeen(o, history));
    return lost && history.filter((o) => o !== lost);
  },
  'SET that wrote another value': (history, random) => {
    const set = some(history, random, (o) => o.action[0] === 'SET' && isSeen(o, history));
    return set && replaced(history, set, { action: ['SET', '77'] });
  },
  'SET undone': appended('r1', (at) => [
    at(0, ['SET', '91'], 'OK'),
    at(1, ['SET', '92'], 'OK'),
    at(2, ['GET'], '91'),
  ]),
  'SET applied twice': appended('r1', (at) => [
    at(0, ['SET', '91'], 'OK'),
    at(1, ['SET', '92'], 'OK'),
    at(2, ['GET'], '92'),
    at(3, ['GET'], '91'),
    at(4, ['INCR'], '92'),
  ]),
  'SET seen before it was called': (history, random) => {
    const read = some(
      history,
      random,
      (o) => o.action[0] === 'GET' && writer(o.result, o.key, history) !== undefined,
    );
    const set = read && writer(read.result, read.key, history);
    return set && replaced(history, set, { call: read.end + 0.1, end: read.end + 0.2 });
  },
  'SETs reordered against real time': (history, random) => {
    for (const read of shuffled(history, random).filter(({ action }) => action[0] === 'GET')) {
      const last = writer(read.result, read.key, history);
      if (last?.action[0] !== 'SET' || !before(last, read)) continue;
      const first = history.find((o) => sameKind(o, last) && before(o, last));
      if (first !== undefined) return swapped(history, first, last, 'call', 'end');
    }
    return undefined;
  },

  // Counting.
  'INCR with the answer of another': (history, random) => {
    const one = some(history, random, (o) => o.action[0] === 'INCR');
    const other = one && some(history, random, (o) => o !== one && sameKind(o, one));
    return other && replaced(history, other, { result: one.result! });
  },
  'INCR that counts two': atOne('INCR', ({ result }) => String(Number(result) + 1)),
  'INCR that does not count': atOne('INCR', ({ result }) => String(Number(result) - 1)),
  'INCRs one after the other with one answer': appended('r1', (at) => [
    at(0, ['SET', '500'], 'OK'),
    at(1, ['INCR'], '501'),
    at(2, ['INCR'], '501'),
  ]),
  'INCRs at once, one lost': appended('r1', (at) => [
    at(0, ['SET', '500'], 'OK'),
    at(1, ['INCR'], '501', 1),
    at(2, ['INCR'], '502'),
    at(3, ['GET'], '501'),
  ]),

  // Compare and set.
  'CAS that expected a value from nowhere': atCas('OK', () => '77'),
  'CAS that expected an old value': atCas('OK', (cas, h) => overwrittenBefore(cas, h)),
  'CASes that replace the same value': (history, random) => {
    const won = (o: Operation) => o.action[0] === 'CAS' && o.result === 'OK';
    const one = some(history, random, won);
    const other = one && some(history, random, (o) => o !== one && won(o) && sameKind(o, one));
    return other && expecting(history, other, one.action[1] ?? null);
  },
  'CAS that succeeded after a write in between': (history, random) => {
    const touched = some(history, random, (o) => {
      if (o.action[0] !== 'CAS' || o.result !== null) return false;
      const since = history.find(
        (g) => g.client === o.client && before(g, o) && watched(g, o),
      )?.end;
      return (
        since !== undefined &&
        history.some((w) => sameKey(w, o) && written(w) && w.call > since && before(w, o))
      );
    });
    return touched && replaced(history, touched, { result: 'OK' });
  },
  'CAS refused, yet it wrote': (history, random) => {
    const seen = (o: Operation) => o.action[0] === 'CAS' && o.result === 'OK' && isSeen(o, history);
    const cas = some(history, random, seen);
    return cas && replaced(history, cas, { result: null });
  },
  'CAS accepted, yet it did not write': appended('r1', (at) => [
    at(0, ['SET', '500'], 'OK'),
    at(1, ['CAS', '500', '600'], 'OK', 0, 0),
    at(2, ['GET'], '500'),
  ]),
  'CAS refused for no reason': appended('r1', (at) => [
    at(0, ['SET', '500'], 'OK'),
    at(1, ['GET'], '500'),
    at(1, ['CAS', '500', '600'], null, 0, -1),
  ]),
  'CAS after the key was touched between WATCH and GET': appended('r1', (at) => [
    at(0, ['SET', '500'], 'OK'),
    at(1, ['GET'], '500'),
    at(1, ['CAS', '500', '600'], 'OK', 0, -2),
  ]),
  'CAS after the key was set to what it was': appended('r1', (at) => [
    at(0, ['SET', '500'], 'OK'),
    at(1, ['GET'], '500'),
    at(0, ['SET', '500'], 'OK'),
    at(1, ['CAS', '500', '600'], 'OK', 0, -2),
  ]),

  // Clients that were gone before the reply.
  'lost SET seen before it was sent': appended('r1', (at) => [
    at(0, ['GET'], '91'),
    at(1, ['SET', '91'], undefined),
  ]),
  'lost SET that happened twice': appended('r1', (at) => [
    at(0, ['SET', '91'], undefined),
    at(1, ['GET'], '91'),
    at(2, ['SET', '92'], 'OK'),
    at(3, ['GET'], '91'),
  ]),
  'lost INCR counted twice': appended('r1', (at) => [
    at(0, ['SET', '500'], 'OK'),
    at(1, ['INCR'], undefined),
    at(2, ['GET'], '502'),
  ]),
  'lost CAS that wrote over another value': appended('r1', (at) => [
    at(0, ['SET', '500'], 'OK'),
    at(1, ['CAS', '499', '600'], undefined, 0, 0),
    at(2, ['GET'], '600'),
  ]),
  'lost RPUSH that happened twice': appended('list1', (at, list) => [
    at(0, ['RPUSH', 'x'], undefined),
    at(1, ['LRANGE'], `${list}x,x,`),
  ]),

  // Lists.
  'list without an element': atOne('LRANGE', ({ result }) => cut(result, 1)),
  'list with an element twice': atOne('LRANGE', ({ result }) =>
    result ? result + result.slice(0, result.indexOf(',') + 1) : undefined,
  ),
  'list with an element from nowhere': atOne('LRANGE', ({ result }) => `${result}nowhere,`),
  'list in another order': atOne('LRANGE', ({ result }) => {
    const [first, second, ...rest] = (result ?? '').split(',');
    return rest.length === 0 ? undefined : [second, first, ...rest].join(',');
  }),
  'list that lost its end': appended('list1', (at, list) => [
    at(0, ['LRANGE'], list),
    at(1, ['LRANGE'], list.slice(0, list.lastIndexOf(',', list.length - 2) + 1)),
  ]),
  'list that grew in its middle': appended('list1', (at, list) => [
    at(0, ['RPUSH', 'x'], String(count(list) + 1), 9),
    at(0, ['RPUSH', 'y'], String(count(list) + 2), 9),
    at(1, ['LRANGE'], `${list}y,`),
    at(2, ['LRANGE'], `${list}x,y,`),
  ]),
  'RPUSH with the length of another': (history, random) => {
    const one = some(history, random, (o) => o.action[0] === 'RPUSH');
    const other = one && some(history, random, (o) => o !== one && sameKind(o, one));
    return other && replaced(history, other, { result: one.result! });
  },
  'acknowledged RPUSH that never happened': (history, random) => {
    const push = some(history, random, (o) => o.action[0] === 'RPUSH' && !isLast(o, history));
    return push && history.filter((o) => o !== push);
  },
};

/** Gives one operation of this name, if any allows it, another result. */
function atOne(
  name: Action[0],
  result: (operation: Operation, history: History) => Result | undefined | '',
): Mutation {
  return (history, random) => {
    for (const operation of shuffled(history, random)) {
      if (operation.action[0] !== name) continue;
      const other = result(operation, history);
      if (other === undefined || other === '' || other === operation.result) continue;
      return replaced(history, operation, { result: other });
    }
    return undefined;
  };
}

/** Gives one CAS with this result another expectation. */
function atCas(
  result: Result,
  expected: (operation: Operation, history: History) => Result | undefined,
): Mutation {
  return (history, random) => {
    for (const operation of shuffled(history, random)) {
      if (operation.action[0] !== 'CAS' || operation.result !== result) continue;
      const other = expected(operation, history);
      if (other !== undefined) return expecting(history, operation, other);
    }
    return undefined;
  };
}

type At = (
  client: number,
  action: Action,
  result: Result | undefined,
  longer?: number,
  watchedSince?: number,
) => (index: number, start: number) => Operation;

/**
 * Adds operations at the end, one after the other. `longer` lets one overlap so many of the next;
 * a CAS has watched since so many operations before it. The list's last value is handed in.
 */
function appended(
  key: string,
  more: (at: At, list: string) => ((index: number, start: number) => Operation)[],
): Mutation {
  const at: At =
    (client, action, result, longer = 0, watchedSince) =>
    (index, start) => {
      const call = start + index * 10;
      const since = watchedSince === undefined ? 0 : call + watchedSince * 10 - 4;
      return {
        client: 100 + client,
        key,
        action,
        ...(result === undefined ? {} : { result }),
        call,
        end: result === undefined ? Infinity : call + 5 + longer * 10,
        ...(watchedSince === undefined ? {} : { watch: { call: since, end: since + 1 } }),
      };
    };
  return (history) => {
    const start = Math.max(...history.map(({ end }) => end)) + 10;
    const pushes = history.filter(({ action }) => action[0] === 'RPUSH');
    const list = pushes
      .sort((a, b) => Number(a.result) - Number(b.result))
      .map(({ action }) => `${action[1]},`)
      .join('');
    return [...history, ...more(at, list).map((make, index) => make(index, start))];
  };
}

function replaced(history: History, operation: Operation, change: Partial<Operation>): Operation[] {
  return history.map((o) => (o === operation ? { ...o, ...change } : o));
}

function expecting(history: History, cas: Operation, expected: Result): Operation[] {
  return replaced(history, cas, { action: ['CAS', expected, cas.action[2]!] });
}

function swapped(
  history: History,
  a: Operation,
  b: Operation,
  ...fields: readonly (keyof Operation)[]
): Operation[] {
  const from = (o: Operation) => Object.fromEntries(fields.map((field) => [field, o[field]]));
  return replaced(replaced(history, a, from(b)), b, from(a));
}

function shuffled(history: History, random: Random): Operation[] {
  const order = new Map(history.map((operation) => [operation, random.below(1 << 30)]));
  return [...history].sort((a, b) => order.get(a)! - order.get(b)!);
}

function some(
  history: History,
  random: Random,
  fits: (operation: Operation) => boolean,
): Operation | undefined {
  return shuffled(history, random).find(fits);
}

/** What an operation on a register wrote. */
function written(operation: Operation | undefined): Result | undefined {
  if (operation?.action[0] === 'SET') return operation.action[1];
  if (operation?.action[0] === 'INCR') return operation.result;
  if (operation?.action[0] === 'CAS' && operation.result === 'OK') return operation.action[2];
  return undefined;
}

function writer(value: Result | undefined, key: string, history: History): Operation | undefined {
  return value ? history.find((o) => o.key === key && written(o) === value) : undefined;
}

function isSeen(operation: Operation, history: History): boolean {
  const value = written(operation);
  return history.some((o) => sameKey(o, operation) && o.action[0] === 'GET' && o.result === value);
}

/** A value that was surely overwritten when the operation began. */
function overwrittenBefore(operation: Operation, history: History): Result | undefined {
  const earlier = history.filter(
    (w) => sameKey(w, operation) && written(w) !== undefined && before(w, operation),
  );
  return written(earlier.find((old) => earlier.some((w) => before(old, w))));
}

/** Whether an operation began after the WATCH of this CAS. */
function watched(operation: Operation, cas: Operation): boolean {
  return cas.watch !== undefined && operation.call > cas.watch.end;
}

function before(a: Operation, b: Operation): boolean {
  return a.end < b.call;
}

function sameKey(a: Operation, b: Operation): boolean {
  return a.key === b.key;
}

function sameKind(a: Operation, b: Operation): boolean {
  return sameKey(a, b) && a.action[0] === b.action[0];
}

/** Whether no operation on this key began later. */
function isLast(operation: Operation, history: History): boolean {
  return !history.some((o) => sameKey(o, operation) && before(operation, o));
}

function cut(list: Result | undefined, at: number): string | undefined {
  const elements = (list ?? '').split(',');
  return elements.length < 4 ? undefined : elements.filter((_, i) => i !== at).join(',');
}

function count(list: string): number {
  return list.split(',').length - 1;
}
