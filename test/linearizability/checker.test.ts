/** The checker itself: against all orders tried one by one, and against mistakes it must find. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mutations } from './bad-histories.ts';
import { type Action, apply, findViolation, type Operation, type Result } from './checker.ts';
import { goodHistory } from './good-histories.ts';
import { Random } from './random.ts';

const full = process.env['RESPITE_FULL'] === '1';
const KEYS = ['r1', 'r2', 'list1'];
/** Each kind of mistake is put into so many histories. */
const HISTORIES = 4;

/** Whether some order explains the history: every one is tried, which only short ones allow. */
function explained(rest: readonly Operation[], state: Result = null): boolean {
  if (rest.every(({ end }) => end === Infinity)) return true;
  return rest.some((first) => {
    if (rest.some(({ end }) => end < first.call)) return false;
    const next = apply(state, first);
    if (next === undefined) return false;
    return explained(
      rest.filter((operation) => operation !== first),
      next,
    );
  });
}

const value = fc.constantFrom('1', '2');
const seen = fc.constantFrom<Result>(null, '1', '2', '3');

/** An action with a result that is not absurd, or without. */
const registerStep: fc.Arbitrary<readonly [Action, Result | undefined]> = fc.oneof(
  fc.tuple(fc.constant<Action>(['GET']), seen),
  fc.tuple(
    value.map<Action>((v) => ['SET', v]),
    fc.constantFrom('OK', 'OK', undefined),
  ),
  fc.tuple(fc.constant<Action>(['INCR']), fc.constantFrom('1', '2', '3', undefined)),
  fc.tuple(
    fc.tuple(seen, value).map<Action>(([expected, v]) => ['CAS', expected, v]),
    fc.constantFrom('OK', null, undefined),
  ),
);

const listStep: fc.Arbitrary<readonly [Action, Result | undefined]> = fc.oneof(
  fc.tuple(fc.constant<Action>(['LRANGE']), fc.constantFrom('', '1,', '2,', '1,2,', '2,1,')),
  fc.tuple(
    value.map<Action>((v) => ['RPUSH', v]),
    fc.constantFrom('1', '2', '3', undefined),
  ),
);

/** Up to seven operations on one key at any times. */
function shortHistory(step: typeof registerStep): fc.Arbitrary<Operation[]> {
  const operation = fc.tuple(step, fc.nat(20), fc.nat(8));
  return fc.array(operation, { minLength: 1, maxLength: 7 }).map((steps) =>
    steps.map(([[action, result], at, length], client) => {
      // No two events share a time.
      const call = at * 20 + client;
      if (result === undefined) return { client, key: 'k', action, call, end: Infinity };
      return { client, key: 'k', action, result, call, end: call + length * 20 + 10 };
    }),
  );
}

describe('findViolation()', () => {
  for (const [name, step] of Object.entries({ registers: registerStep, lists: listStep })) {
    it(`judges short histories of ${name} as trying all orders does`, () => {
      const verdicts = { good: 0, bad: 0 };
      fc.assert(
        fc.property(shortHistory(step), (history) => {
          const good = explained(history);
          verdicts[good ? 'good' : 'bad']++;
          expect(findViolation(history) === undefined).toBe(good);
        }),
        { numRuns: full ? 200_000 : 3_000 },
      );
      expect(Math.min(verdicts.good, verdicts.bad)).toBeGreaterThan(200);
    });
  }

  it('accepts good histories, with and without lost operations', () => {
    for (let seed = 0; seed < 20; seed++) {
      const lost = seed % 2 === 0 ? {} : { lostOneIn: 50 };
      const history = goodHistory({ seed, operations: 500, clients: 8, keys: KEYS, ...lost });
      expect(findViolation(history), `seed ${seed}`).toBeUndefined();
    }
  });

  for (const [kind, mutate] of Object.entries(mutations)) {
    it(`rejects: ${kind}`, () => {
      let found = 0;
      for (let seed = 0; found < HISTORIES && seed < 20 * HISTORIES; seed++) {
        const good = goodHistory({ seed, operations: 200, clients: 6, keys: KEYS });
        const bad = mutate(good, new Random(seed));
        if (bad === undefined) continue;
        found++;
        expect(findViolation(good), `seed ${seed}`).toBeUndefined();
        expect(findViolation(bad), `seed ${seed}`).toBeDefined();
      }
      expect(found, 'histories that had a place for it').toBe(HISTORIES);
    });
  }

  it('judges 5,000 operations of 20 clients in less than two seconds of CPU time', () => {
    for (const keys of [KEYS, ['r1']]) {
      const options = { seed: 1, operations: 5_000, clients: 20, keys, lostOneIn: 250 };
      const history = goodHistory(options);
      const started = process.cpuUsage();
      expect(findViolation(history)).toBeUndefined();
      expect(process.cpuUsage(started).user).toBeLessThan(2_000_000);
    }
  });
});
