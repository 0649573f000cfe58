/**
 * globMatch against written-down cases, against a naive recursive model, and against redis-server:
 * KEYS for exact case, CONFIG GET for `nocase`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { globMatch, globMatchString } from '../../src/util/glob.ts';
import { hasOracle, Oracle, oracleNote } from '../config/oracle.ts';
import { cpuMsOf } from '../harness/cpu-time.ts';
import { SEED } from '../harness/seed.ts';

const cases: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  ['', '', true],
  ['', 'a', false],
  ['*', '', false],
  ['*', 'a', true],
  ['***', 'abc', true],
  ['a*', 'a', true],
  ['a**', 'a', true],
  ['a*b', 'axxb', true],
  ['a*b', 'axxbc', false],
  ['*a*b*', 'xxaxxbxx', true],
  ['?', 'a', true],
  ['?', '', false],
  ['h[ae]llo', 'hallo', true],
  ['h[^e]llo', 'hello', false],
  ['h[a-b]llo', 'hbllo', true],
  ['h[b-a]llo', 'hallo', true],
  ['[', 'a', false],
  ['[', '[', false],
  ['[a', 'a', true],
  ['[^', 'x', true],
  ['[]a', 'a', false],
  ['[^]a', 'xa', true],
  ['[a-', '-', true],
  ['[a-]', ']', true],
  ['[\\]]', ']', true],
  ['[\\', '\\', true],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['\\', '\\', true],
  ['a\\', 'a\\', true],
  ['[\x80-\x82]', '\x81', true],
  ['[a-\xff]', '\x05', true],
];

describe('globMatch()', () => {
  it.each(cases)('%j on %j gives %s', (pattern, text, matches) => {
    expect(globMatchString(pattern, text, false)).toBe(matches);
  });

  it('ignores the case of letters when nocase, but not behind a backslash in a class', () => {
    expect(globMatchString('FOO*', 'foobar', true)).toBe(true);
    expect(globMatchString('[A-C]', 'b', true)).toBe(true);
    expect(globMatchString('[\\P]', 'p', true)).toBe(false);
    expect(globMatchString('\\P', 'p', true)).toBe(true);
    expect(globMatchString('[a-Z]', 'm', true)).toBe(false);
  });

  it('looks only at the ranges it was given', () => {
    const pattern = Buffer.from('xxa*yy');
    const text = Buffer.from('zzabzz');
    expect(globMatch(pattern, 2, 2, text, 2, 2, false)).toBe(true);
    expect(globMatch(pattern, 2, 2, text, 1, 2, false)).toBe(false);
    expect(globMatch(Buffer.from('[a]'), 0, 2, Buffer.from('a'), 0, 1, false)).toBe(true);
  });

  it('does not stall on patterns that make a recursive matcher explode', async () => {
    const cost = await cpuMsOf(() => {
      expect(globMatchString(`${'a*'.repeat(1000)}b`, 'a'.repeat(5000), false)).toBe(false);
      expect(globMatchString('*?'.repeat(50_000), 'a'.repeat(50_000), false)).toBe(true);
      expect(globMatchString('*?'.repeat(50_000), 'a'.repeat(49_999), false)).toBe(false);
      expect(globMatchString(`${'*?'.repeat(50_000)}b`, 'a'.repeat(90_000), false)).toBe(false);
    });
    expect(cost).toBeLessThan(2000);
  });
});

/** mulberry32: small, seeded, good enough for choosing test inputs. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

describe.skipIf(!hasOracle)(`globMatch() against redis-server${oracleNote}`, () => {
  const random = seeded(SEED);
  const pick = (alphabet: string, max: number): string => {
    let out = '';
    for (let n = random(max + 1); n > 0; n--) out += alphabet[random(alphabet.length)];
    return out;
  };
  let oracle: Oracle;

  beforeAll(async () => {
    oracle = await Oracle.start(['--save', '']);
  });
  afterAll(() => oracle.stop());

  it(`agrees with KEYS on random patterns and texts (RESPITE_SEED=${SEED})`, async () => {
    const texts = new Set<string>(['']);
    while (texts.size < 150) texts.add(pick('abcA^]-[*\\?\xe9\x00', 7));
    for (const text of texts) await oracle.call('SET', text, '');
    let pairs = 0;
    for (let i = 0; i < 1500; i++) {
      const pattern = pick('aabbA***?[[]]^-\\\\\xe9\x00', 9);
      if (pattern === '*') continue; // KEYS answers it without matching
      const reply = await oracle.call('KEYS', pattern);
      const expected = (Array.isArray(reply) ? reply : []).map(String).sort();
      const ours = [...texts].filter((text) => globMatchString(pattern, text, false)).sort();
      expect(ours, JSON.stringify(pattern)).toEqual(expected);
      pairs += texts.size;
    }
    expect(pairs).toBeGreaterThan(20_000);
  }, 60_000);

  it(`agrees with CONFIG GET, which ignores case (RESPITE_SEED=${SEED})`, async () => {
    const names = everySecond(await oracle.call('CONFIG', 'GET', '*'));
    for (let i = 0; i < 1500; i++) {
      const name = names[random(names.length)]!;
      const pattern = mangle(name, random, () => pick('aeorstPM**?[]^-\\', 2));
      if (!/[[*?]/.test(pattern)) continue; // looked up, not matched
      const expected = everySecond(await oracle.call('CONFIG', 'GET', pattern)).sort();
      const ours = names.filter((text) => globMatchString(pattern, text, true)).sort();
      expect(ours, JSON.stringify(pattern)).toEqual(expected);
    }
  }, 60_000);
});

function everySecond(reply: unknown): string[] {
  return Array.isArray(reply) ? reply.filter((_, i) => i % 2 === 0).map(String) : [];
}

/** A pattern likely to match: pieces of a name, in changed case, with noise between them. */
function mangle(name: string, random: (below: number) => number, noise: () => string): string {
  let out = '';
  for (const char of name) {
    const dice = random(12);
    if (dice === 0) out += noise();
    else if (dice === 1) out += '*';
    else if (dice === 2) out += `[${char}-${noise()}`;
    else if (dice === 3) out += `[${noise()}${char.toUpperCase()}]`;
    else if (dice === 4) out += '?';
    else if (dice === 5) out += char.toUpperCase();
    else if (dice === 6) out += `[\\${char}]`;
    else out += char;
  }
  return random(2) === 0 ? `${out.slice(0, 1 + random(out.length))}*` : out;
}
