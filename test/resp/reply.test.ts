/** The reply writer: literal bytes of each type in RESP2 and RESP3. */
import { describe, expect, it } from 'vitest';
import { Reply } from '../../src/resp/reply.ts';

function written(version: 2 | 3, write: (reply: Reply) => void): string {
  const reply = new Reply();
  reply.version = version;
  write(reply);
  return reply.buf.toString('latin1', 0, reply.pos);
}

const cases: readonly [string, (reply: Reply) => void, string, string][] = [
  ['ok', (r) => r.ok(), '+OK\r\n', '+OK\r\n'],
  ['an error', (r) => r.error('ERR a\r\nb\n\r'), '-ERR a  b\r\n', '-ERR a  b\r\n'],
  ['small integers', (r) => r.int(7), ':7\r\n', ':7\r\n'],
  ['negative integers', (r) => r.int(-2147483649), ':-2147483649\r\n', ':-2147483649\r\n'],
  ['2^53', (r) => r.int(2 ** 53 - 1), ':9007199254740991\r\n', ':9007199254740991\r\n'],
  [
    '64 bits',
    (r) => r.bigint(-(2n ** 63n)),
    ':-9223372036854775808\r\n',
    ':-9223372036854775808\r\n',
  ],
  ['bulk strings', (r) => r.bytes(Buffer.from('a\r\n')), '$3\r\na\r\n\r\n', '$3\r\na\r\n\r\n'],
  [
    'long bulk strings',
    (r) => r.bytes(Buffer.alloc(100, 97)),
    `$100\r\n${'a'.repeat(100)}\r\n`,
    `$100\r\n${'a'.repeat(100)}\r\n`,
  ],
  ['text', (r) => r.bulkString('\u00e9'), '$2\r\n\xc3\xa9\r\n', '$2\r\n\xc3\xa9\r\n'],
  ['null', (r) => r.null(), '$-1\r\n', '_\r\n'],
  ['the null array', (r) => r.nullArray(), '*-1\r\n', '_\r\n'],
  ['doubles', (r) => r.double(3.25), '$4\r\n3.25\r\n', ',3.25\r\n'],
  ['infinity', (r) => r.double(Number.NEGATIVE_INFINITY), '$4\r\n-inf\r\n', ',-inf\r\n'],
  [
    'pairs',
    (r) => {
      r.pairs(2);
      for (const n of [1, 2]) {
        r.pair();
        r.int(n);
        r.int(-n);
      }
    },
    '*4\r\n:1\r\n:-1\r\n:2\r\n:-2\r\n',
    '*2\r\n*2\r\n:1\r\n:-1\r\n*2\r\n:2\r\n:-2\r\n',
  ],
  ['true', (r) => r.bool(true), ':1\r\n', '#t\r\n'],
  ['verbatim text', (r) => r.verbatim('txt', 'hi'), '$2\r\nhi\r\n', '=6\r\ntxt:hi\r\n'],
  [
    'big numbers',
    (r) => r.bigNumber('12345678901234567890'),
    '$20\r\n12345678901234567890\r\n',
    '(12345678901234567890\r\n',
  ],
  ['arrays', (r) => r.array(2), '*2\r\n', '*2\r\n'],
  ['maps', (r) => r.map(2), '*4\r\n', '%2\r\n'],
  ['sets', (r) => r.set(2), '*2\r\n', '~2\r\n'],
  ['pushes', (r) => r.push(2), '*2\r\n', '>2\r\n'],
];

describe('Reply', () => {
  for (const [name, write, resp2, resp3] of cases) {
    it(`writes ${name}`, () => {
      expect(written(2, write)).toBe(resp2);
      expect(written(3, write)).toBe(resp3);
    });
  }

  it('endArray() puts the header in front, nested too', () => {
    const text = written(3, (r) => {
      const outer = r.beginDeferred();
      r.int(1);
      const inner = r.beginDeferred();
      for (let i = 0; i < 12; i++) r.int(2);
      r.endArray(inner, 12);
      const map = r.beginDeferred();
      r.endMap(map, 0);
      r.endArray(outer, 3);
    });
    expect(text).toBe(`*3\r\n:1\r\n*12\r\n${':2\r\n'.repeat(12)}%0\r\n`);
  });

  it('grows, gives a huge buffer up, and takes a failed reply back', () => {
    const reply = new Reply();
    const initial = reply.buf.length;
    reply.bytes(Buffer.alloc(5_000_000, 1));
    expect(reply.pos).toBe(5_000_000 + 12);
    reply.clear();
    expect(reply.buf.length).toBe(initial);
    reply.ok();
    const mark = reply.pos;
    reply.array(3);
    reply.rollback(mark);
    expect(reply.buf.toString('latin1', 0, reply.pos)).toBe('+OK\r\n');
  });

  it('holds a large buffer for some ticks where it is told to, and no huge one', () => {
    const reply = new Reply();
    const initial = reply.buf.length;
    const dropped: number[] = [];
    reply.onDropped = (buffer) => dropped.push(buffer.byteLength);
    reply.holdBytes = 8 << 20;
    const answer = (bytes: number) => {
      reply.bytes(Buffer.alloc(bytes, 1));
      reply.clear();
    };
    answer(5_000_000);
    const held = reply.buf.length;
    expect(held).toBeGreaterThan(5_000_000);
    for (let i = 0; i < 5; i++) {
      reply.settle();
      answer(5_000_000);
    }
    expect([reply.buf.length, dropped]).toEqual([held, []]);
    // Small replies in between do not make it last.
    for (let i = 0; i < 3; i++) {
      answer(10);
      reply.settle();
    }
    expect([reply.buf.length, dropped]).toEqual([initial, [held]]);
    answer(20_000_000);
    expect(reply.buf.length).toBe(initial);
  });

  it('refuses what is past its limit, but never an error or a message', () => {
    const reply = new Reply();
    reply.limit = 100_000;
    reply.bytes(Buffer.alloc(99_900));
    const mark = reply.pos;
    expect(() => reply.bytes(Buffer.alloc(100))).toThrow('ERR reply is too large');
    expect(() => reply.bulkString('x'.repeat(100))).toThrow('ERR reply is too large');
    expect(reply.pos).toBe(mark);
    expect(reply.buf.length).toBe(100_000);
    reply.error('x'.repeat(200));
    reply.insertRaw(mark, [Buffer.alloc(200)]);
    expect(reply.pos).toBe(mark + 403);
  });

  it('holds the longest string', () => {
    expect(new Reply().limit).toBeGreaterThan(0x3fffffff + 32);
  });
});
