/** What random commands are made of: keys, numbers, values, and the means to put them together. */
import fc from 'fast-check';
import { BOUNDARY_FLOATS, BOUNDARY_INTEGERS } from '../harness/script.ts';

export type Words = fc.Arbitrary<readonly string[]>;
/** A command with its weight among the others. */
export type Row = readonly [weight: number, words: Words];

/** Few, so that commands meet; the last ones are there for their bytes. */
const SHARED = ['a', 'b', 'c', 'd', 'a', 'b', 'c', '', '\0\xff\r\n', '__proto__'];

/** Where the commands of a collection go most of the time: else most would find a wrong type. */
export const HOMES = {
  hash: ['h1', 'h2'],
  set: ['s1', 's2', 's3'],
  list: ['l1', 'l2'],
  zset: ['z1', 'z2', 'z3'],
  stream: ['x1', 'x2'],
} as const;

/** A sorted set whose scores are equal: no other commands than those of the range by bytes. */
export const LEX_KEY = 'lex';

const homes = Object.values(HOMES).flat();

/** Every key that a command may name. */
export const KEYS: readonly string[] = [...new Set([...SHARED, ...homes, LEX_KEY])];

export const key = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...SHARED) },
  { weight: 1, arbitrary: fc.constantFrom(...homes) },
);

/** A key of a family, now and then another. */
export function homeKey(family: keyof typeof HOMES): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...HOMES[family]) },
    { weight: 1, arbitrary: key },
  );
}

export const boundary = fc.constantFrom(...BOUNDARY_INTEGERS);
export const small = fc.integer({ min: -12, max: 12 }).map(String);
export const integer = fc.oneof(
  { weight: 6, arbitrary: small },
  { weight: 1, arbitrary: boundary },
);
export const float = fc.oneof(
  { weight: 3, arbitrary: small },
  { weight: 3, arbitrary: fc.constantFrom('0.1', '0.25', '-1.5', '3.0', '1e3', '1e-7', '100.125') },
  { weight: 2, arbitrary: fc.constantFrom(...BOUNDARY_FLOATS) },
  { weight: 2, arbitrary: fc.double({ noNaN: true, min: -1e17, max: 1e17 }).map(String) },
);
/** 44 and 45 bytes, 20 digits: where Redis changes its encoding. */
export const value = fc.oneof(
  { weight: 5, arbitrary: integer },
  { weight: 2, arbitrary: float },
  { weight: 3, arbitrary: fc.constantFrom('', 'x', 'abc', 'Hello World', 'ohmytext', 'mynewtext') },
  { weight: 1, arbitrary: fc.constantFrom('y'.repeat(44), 'y'.repeat(45), 'z'.repeat(300)) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 8 }).map((b) => Buffer.from(b).toString('latin1')),
  },
);

export function words(...fixed: string[]): Words {
  return fc.constant(fixed);
}

/** A command: its name and the words of each part in turn. */
export function call(name: string, ...parts: (fc.Arbitrary<string> | Words)[]): Words {
  return fc
    .tuple(...(parts as fc.Arbitrary<string | readonly string[]>[]))
    .map((found) => [name, ...found.flat()]);
}

/** None to `most` options; none half of the time. */
export function options(option: Words, most: number): Words {
  return fc.oneof(
    fc.constant([]),
    fc.array(option, { minLength: 1, maxLength: most }).map((lists) => lists.flat()),
  );
}

export function many(one: fc.Arbitrary<string>): Words {
  return fc.array(one, { maxLength: 3 });
}
