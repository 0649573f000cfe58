/**
 * Texts that are, or nearly are, floating-point numbers: a table of spellings with what
 * redis-server 7.0.15 makes of them, and random ones for the differential tests.
 */

/** Pseudo-random numbers in [0, 1) from a seed (mulberry32), so that failures can be replayed. */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

const BAD = undefined;

/**
 * Text; what ZADD and then ZSCORE answer (skiplist encoding); what INCRBYFLOAT by 0 answers.
 * `undefined` is "value is not a valid float", 'inf' for INCRBYFLOAT "would produce NaN or
 * Infinity". Probed.
 */
export const spellings: readonly (readonly [
  text: string,
  zscore: string | undefined,
  incrbyfloat: string | undefined,
])[] = [
  ['', BAD, BAD],
  ['0', '0', '0'],
  ['-0', '-0', '0'],
  ['+0', '0', '0'],
  ['+1', '1', '1'],
  ['-1', '-1', '-1'],
  ['01', '1', '1'],
  ['-00', '-0', '0'],
  ['1.', '1', '1'],
  ['.5', '0.5', '0.5'],
  ['-.5', '-0.5', '-0.5'],
  ['+.5', '0.5', '0.5'],
  ['.', BAD, BAD],
  ['-.', BAD, BAD],
  ['-', BAD, BAD],
  ['1.e3', '1000', '1000'],
  ['1E3', '1000', '1000'],
  ['1e+3', '1000', '1000'],
  ['1e-3', '0.001', '0.001'],
  ['1e', BAD, BAD],
  ['1e+', BAD, BAD],
  ['e3', BAD, BAD],
  ['.e3', BAD, BAD],
  ['1e3.0', BAD, BAD],
  ['1.5.2', BAD, BAD],
  [' 1', BAD, BAD],
  ['\t1', BAD, BAD],
  ['\n1', BAD, BAD],
  ['\x0b1', BAD, BAD],
  ['1 ', BAD, BAD],
  ['1\0', BAD, BAD],
  ['\x001', BAD, BAD],
  ['1\x002', BAD, BAD],
  ['1\xa0', BAD, BAD],
  ['\xa01', BAD, BAD],
  ['inf', 'inf', 'inf'],
  ['+inf', 'inf', 'inf'],
  ['-inf', '-inf', 'inf'],
  ['iNf', 'inf', 'inf'],
  ['infinity', 'inf', 'inf'],
  ['-INFINITY', '-inf', 'inf'],
  ['infi', BAD, BAD],
  ['infinit', BAD, BAD],
  ['nan', BAD, BAD],
  ['-nan', BAD, BAD],
  ['NAN', BAD, BAD],
  ['nan(1)', BAD, BAD],
  ['nan()', BAD, BAD],
  ['0x', BAD, BAD],
  ['0x1', '1', '1'],
  ['-0X1', '-1', '-1'],
  ['+0x1', '1', '1'],
  ['0x1p3', '8', '8'],
  ['0x1P-3', '0.125', '0.125'],
  ['0x1p', BAD, BAD],
  ['0x.8', '0.5', '0.5'],
  ['0x1.', '1', '1'],
  ['0x.', BAD, BAD],
  ['0x.p1', BAD, BAD],
  ['0xg', BAD, BAD],
  ['0x1e3', '483', '483'],
  ['0xa.bp2', '42.75', '42.75'],
  ['0x1.fffffffffffff7p0', '1.9999999999999998', '1.99999999999999988'],
  ['0x1p-1074', '4.9406564584124654e-324', '0'],
  ['0x1p-1075', BAD, '0'],
  ['0x1.8p-1075', '4.9406564584124654e-324', '0'],
  ['0x1p-1076', BAD, '0'],
  ['0x1p-16445', BAD, '0'],
  ['0x1p-16446', BAD, BAD],
  ['0x1.0000001p-16446', BAD, '0'],
  ['0x1p99999999999999999999', BAD, BAD],
  ['0x0p99999999999999999999', '0', '0'],
  ['1.7976931348623157e308', '1.7976931348623157e+308', '179769313486231569995921046774#'],
  ['1.7976931348623159e308', BAD, '179769313486231590003050712178#'],
  ['1e309', BAD, '999999999999999999986349424581#'],
  ['1.18973149535723176502e4932', BAD, '118973149535723176502126385303#'],
  ['1.18973149535723176509e4932', BAD, BAD],
  ['1e4933', BAD, BAD],
  ['5e-324', '4.9406564584124654e-324', '0'],
  ['2.4703282292062328e-324', '4.9406564584124654e-324', '0'],
  ['2.4703282292062327e-324', BAD, '0'],
  ['1e-400', BAD, '0'],
  ['1.9e-4951', BAD, '0'],
  ['1.8e-4951', BAD, BAD],
  ['0e-5000', '0', '0'],
  ['-0.0e-99999999999999999999', '-0', '0'],
  ['1e99999999999999999999', BAD, BAD],
  ['1e-99999999999999999999', BAD, BAD],
  [`${'0'.repeat(300)}1`, '1', '1'],
  [`1${'0'.repeat(400)}e-400`, '1', '1'],
  [`0.${'0'.repeat(400)}1e401`, '1', '1'],
  [`${'0'.repeat(5118)}7`, '7', '7'],
  [`${'0'.repeat(5119)}7`, '7', BAD],
  ['1_000', BAD, BAD],
  ['1,000', BAD, BAD],
  ['0b1', BAD, BAD],
  ['1f', BAD, BAD],
  ['1L', BAD, BAD],
  ['--1', BAD, BAD],
  ['+-1', BAD, BAD],
  ['0.1', '0.10000000000000001', '0.1'],
  ['9007199254740993', '9007199254740992', '9007199254740993'],
  ['100000000000000000', '1e+17', '100000000000000000'],
  ['10000000.0009765625', '10000000.000976562', '10000000.0009765625'],
  ['10000000.0029296875', '10000000.002929688', '10000000.0029296875'],
  ['1.5e-17', '1.5e-17', '0.00000000000000002'],
  ['0.5e-17', '5.0000000000000004e-18', '0'],
];

/** A text of the table above, `#` standing for any further digits. */
export function isSpelled(expected: string | undefined, actual: string | undefined): boolean {
  if (expected?.endsWith('#') !== true) return expected === actual;
  return actual?.startsWith(expected.slice(0, -1)) === true;
}

/** Random spellings; about one in ten is no number. */
export function randomFloatText(random: () => number): string {
  const sign = pick(random, ['', '', '', '-', '-', '+']);
  const text = sign + randomMagnitude(random);
  return random() < 0.08 ? spoilt(random, text) : text;
}

function randomMagnitude(random: () => number): string {
  const kind = random();
  if (kind < 0.15) return digits(random, 1, 20);
  if (kind < 0.3) return `${digits(random, 1, 4)}.${digits(random, 1, 6)}`;
  if (kind < 0.5) return `${digits(random, 0, 20)}.${digits(random, 0, 25)}`;
  if (kind < 0.65) {
    return `${digits(random, 1, 3)}.${digits(random, 0, 20)}e${between(random, -30, 30)}`;
  }
  if (kind < 0.72) {
    return `${digits(random, 1, 3)}.${digits(random, 0, 20)}e${between(random, -330, 330)}`;
  }
  if (kind < 0.75) {
    const power = pick(random, [4900, -4930, -4945]) + between(random, -20, 45);
    return `${digits(random, 1, 3)}.${digits(random, 0, 20)}e${power}`;
  }
  if (kind < 0.8) return `${digits(random, 0, 150)}.${digits(random, 0, 200)}`;
  if (kind < 0.9) return randomTie(random);
  return randomHex(random);
}

/** Exact binary fractions and their decimal expansions, where rounding meets ties. */
function randomTie(random: () => number): string {
  if (random() < 0.5) return `0x${digits(random, 1, 9)}p${-between(random, 1, 75)}`;
  const units = BigInt(digits(random, 1, 8)) * 2n + 1n;
  const places = between(random, 1, 40);
  const expansion = (units * 5n ** BigInt(places)).toString().padStart(places + 1, '0');
  return `${expansion.slice(0, -places)}.${expansion.slice(-places)}`;
}

function randomHex(random: () => number): string {
  const whole = hexDigits(random, 0, 18);
  const fraction = random() < 0.6 ? `.${hexDigits(random, 0, 18)}` : '';
  const range = pick(random, [4, 70, 70, 1100, 16500]);
  const power = random() < 0.7 ? `p${between(random, -range, range)}` : '';
  return `${pick(random, ['0x', '0X'])}${whole}${fraction}${power}`;
}

function spoilt(random: () => number, text: string): string {
  const at = between(random, 0, text.length);
  const extra = pick(random, [' ', '.', 'e', 'x', '-', '\0', '_', 'p', 'inf', 'nan', '0x', '\t']);
  return text.slice(0, at) + extra + text.slice(random() < 0.5 ? at : at + 1);
}

function digits(random: () => number, min: number, max: number): string {
  const count = between(random, min, max);
  return Array.from({ length: count }, () => String(between(random, 0, 9))).join('');
}

function hexDigits(random: () => number, min: number, max: number): string {
  const count = between(random, min, max);
  return Array.from({ length: count }, () => between(random, 0, 15).toString(16)).join('');
}

/** A whole number from min to max, both included. */
export function between(random: () => number, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1));
}

function pick<T>(random: () => number, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!;
}
