/** What random commands of collections are made of: members, ranges, options, and their keys. */
import fc from 'fast-check';
import {
  boundary,
  call,
  float,
  homeKey,
  key,
  options,
  small,
  type Words,
  words,
} from './generator-words.ts';

/** 64 and 65 bytes: where Redis changes its encoding. */
export const member = fc.oneof(
  { weight: 16, arbitrary: fc.constantFrom('a', 'b', 'c', 'd', '1', '2', '3') },
  { weight: 4, arbitrary: fc.constantFrom('aa', 'B', '', '\0\xff') },
  { weight: 3, arbitrary: small },
  { weight: 1, arbitrary: fc.constantFrom('3.0', '007', '-0', 'x'.repeat(64), 'x'.repeat(65)) },
  { weight: 1, arbitrary: fc.constantFrom('70000', '-5000000000', 'z'.repeat(300), '__proto__') },
  { weight: 1, arbitrary: boundary },
);
export const members = fc.array(member, { minLength: 1, maxLength: 4 });
/** So many that every threshold is crossed by one command or two. */
export const bulk = (shape: (i: number) => readonly string[]): Words =>
  fc.constantFrom(100, 127, 300).map((n) => Array.from({ length: n }, (_, i) => shape(i)).flat());
export const numberedMembers = bulk((i) => [`m${i}`]);
export const range = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: -5, max: 6 }).map(String) },
  { weight: 1, arbitrary: boundary },
);
export const count = fc.oneof(
  { weight: 6, arbitrary: fc.nat(5).map(String) },
  { weight: 1, arbitrary: range },
);
export const maybeCount = options(
  count.map((n) => [n]),
  1,
);
export const flag = (...names: string[]): Words =>
  fc.oneof(fc.constant([]), fc.constantFrom(...names.map((name) => [name])));
export const limit = (offset: fc.Arbitrary<string> = range): Words =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<readonly string[]>([]) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('LIMIT'), offset, range) },
  );
/** `numkeys key...`; the number is wrong now and then. */
export const numbered = (one: fc.Arbitrary<string>): Words =>
  fc
    .tuple(fc.array(one, { minLength: 1, maxLength: 3 }), fc.nat(19))
    .map(([list, n]) => [n === 0 ? '2' : String(list.length), ...list]);
export const hashKey = homeKey('hash');
export const listKey = homeKey('list');
export const listKeys = numbered(listKey);
export const setKey = homeKey('set');
export const setKeys = numbered(setKey);
/** Sets do where their members are not changed. */
export const zsetKey = homeKey('zset');
export const zsetKeys = numbered(
  fc.oneof({ weight: 5, arbitrary: zsetKey }, { weight: 1, arbitrary: setKey }),
);
export const streamKey = homeKey('stream');
/** Where results go: seldom over a value that others build up. */
export const resultOf = (one: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 2, arbitrary: key }, { weight: 1, arbitrary: one });
export const setResult = resultOf(setKey);
export const zsetResult = resultOf(zsetKey);
export const scan: Words = options(
  fc.constantFrom(['MATCH', '*'], ['MATCH', 'a*'], ['MATCH', '?'], ['MATCH', ''], ['no']),
  2,
);
export const wholeScan = (name: string, key: fc.Arbitrary<string>) =>
  call(name, key, words('0', 'COUNT', '100000'), scan);
export const everything = fc.constantFrom('1000', '100000');

export const field = member;
export const hashValue = fc.oneof(
  { weight: 3, arbitrary: member },
  { weight: 1, arbitrary: float },
);
export const fields = fc
  .array(fc.tuple(field, hashValue), { minLength: 1, maxLength: 3 })
  .map((list) => list.flat());

/** Nothing, or the name with a value. */
export function flagWith(name: string, argument: fc.Arbitrary<string>): Words {
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant<readonly string[]>([]) },
    { weight: 1, arbitrary: argument.map((text) => [name, text]) },
  );
}
