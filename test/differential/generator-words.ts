/** What random commands are made of: keys, numbers, values, and the means to put them together. */
import fc from 'fast-check';
import { BOUNDARY_FLOATS, BOUNDARY_INTEGERS } from '../harness/script.ts';

export type Words = fc.Arbitrary<readonly string[]>;

/** Few, so that commands meet; the last ones are there for their bytes. */
export const KEYS: readonly string[] = [
  'a',
  'b',
  'c',
  'd',
  'a',
  'b',
  'c',
  '',
  '\0\xff\r\n',
  '__proto__',
];

export const key = fc.constantFrom(...KEYS);
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
