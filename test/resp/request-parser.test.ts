/** The request parser: every vector whole, split at every byte, and byte by byte. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParseResult, RequestParser } from '../../src/resp/request-parser.ts';
import { Args } from '../../src/util/args.ts';

interface Outcome {
  readonly requests: string[][];
  readonly error: string;
}

/** Feeds chunks as the transport does: one receive buffer, overwritten after each chunk. */
function parse(chunks: readonly Buffer[], authenticated = true, args = new Args()): Outcome {
  const parser = new RequestParser();
  parser.authenticated = authenticated;
  const requests: string[][] = [];
  const receive = Buffer.alloc(Math.max(1, ...chunks.map((c) => c.length)));
  for (const chunk of chunks) {
    chunk.copy(receive);
    parser.push(receive, 0, chunk.length);
    for (;;) {
      const result = parser.next(args);
      if (result === ParseResult.error) return { requests, error: parser.error };
      if (result === ParseResult.more) break;
      requests.push(Array.from({ length: args.argc }, (_, i) => args.latin1(i)));
    }
    parser.detach();
    receive.fill(0xee);
    args.push(0, 1); // another connection uses the vector meanwhile
  }
  return { requests, error: '' };
}

const ok = (...requests: string[][]): Outcome => ({ requests, error: '' });
const bad = (reason: string, ...requests: string[][]): Outcome => ({
  requests,
  error: `Protocol error: ${reason}`,
});
const ping = ['PING'];

/** Bytes in, requests or error out; answers as redis-server 7.0.15 gives them. */
const vectors: readonly (readonly [name: string, input: string, expected: Outcome])[] = [
  ['one request', '*1\r\n$4\r\nPING\r\n', ok(ping)],
  ['arguments', '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n', ok(['SET', 'k', 'hello'])],
  ['an empty argument', '*2\r\n$3\r\nGET\r\n$0\r\n\r\n', ok(['GET', ''])],
  ['any bytes', '*2\r\n$4\r\nECHO\r\n$5\r\n\0\r\n\xff*\r\n', ok(['ECHO', '\0\r\n\xff*'])],
  ['a pipeline', '*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\nPING\r\n', ok(ping, ping, ping)],
  ['nothing for empty arrays', '*0\r\n*-1\r\n*-10\r\n\r\n\n*1\r\n$4\r\nPING\r\n', ok(ping)],
  ['the end of a bulk unchecked', '*1\r\n$4\r\nPINGXX*1\r\n$4\r\nPING\r\n', ok(ping, ping)],
  ['a long header', `*1\r\n$200\r\n${'x'.repeat(200)}\r\n`, ok(['x'.repeat(200)])],
  ['inline', 'SET k v\r\n', ok(['SET', 'k', 'v'])],
  ['inline with a bare line feed', '  GET   k \n', ok(['GET', 'k'])],
  ['inline quotes', "SET \"a b\" 'c\\'d'\r\n", ok(['SET', 'a b', "c'd"])],
  ['inline escapes', 'ECHO "\\x41\\n\\t\\\\\\"\\q"\r\n', ok(['ECHO', 'A\n\t\\"q'])],
  ['unbalanced quotes', 'PING\r\nGET "a\r\n', bad('unbalanced quotes in request', ping)],
  ['text behind a closing quote', 'GET "a"b\r\n', bad('unbalanced quotes in request')],
  ['a count that is no number', '*x\r\n', bad('invalid multibulk length')],
  ['a count with a sign', '*+1\r\n', bad('invalid multibulk length')],
  ['a count with a leading zero', '*01\r\n', bad('invalid multibulk length')],
  ['a count past 31 bits', '*2147483648\r\n', bad('invalid multibulk length')],
  ['no dollar', '*1\r\n!4\r\nPING\r\n', bad("expected '$', got '!'")],
  ['a bulk length that is no number', '*1\r\n$x\r\n', bad('invalid bulk length')],
  ['a negative bulk length', '*1\r\n$-1\r\n', bad('invalid bulk length')],
  ['a bulk past the limit', '*1\r\n$536870913\r\n', bad('invalid bulk length')],
  [
    'the error behind good requests',
    '*1\r\n$4\r\nPING\r\n*1\r\n:\r\n',
    bad("expected '$', got ':'", ping),
  ],
];

describe('RequestParser', () => {
  for (const [name, input, expected] of vectors) {
    it(`reads ${name}, however it is cut`, () => {
      const bytes = Buffer.from(input, 'latin1');
      expect(parse([bytes])).toEqual(expected);
      for (let cut = 1; cut < bytes.length; cut++) {
        expect(parse([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(expected);
      }
      expect(parse([...bytes].map((byte) => Buffer.of(byte)))).toEqual(expected);
    });
  }

  it('accepts announced sizes up to the limits and waits', () => {
    expect(parse([Buffer.from('*2147483647\r\n')])).toEqual(ok());
    expect(parse([Buffer.from('*1\r\n$536870912\r\n')])).toEqual(ok());
  });

  it('is stricter before authentication', () => {
    const strict = (text: string) => parse([Buffer.from(text)], false);
    expect(strict('*11\r\n')).toEqual(bad('unauthenticated multibulk length'));
    expect(strict('*10\r\n')).toEqual(ok());
    expect(strict('*1\r\n$16385\r\n')).toEqual(bad('unauthenticated bulk length'));
    expect(strict('*1\r\n$16384\r\n')).toEqual(ok());
  });

  it('refuses endless lines', () => {
    const line = Buffer.alloc(70_000, 'a');
    expect(parse([line])).toEqual(bad('too big inline request'));
    expect(parse([Buffer.concat([Buffer.from('*1'), line])])).toEqual(
      bad('too big mbulk count string'),
    );
    expect(parse([Buffer.concat([Buffer.from('*1\r\n$1'), line])])).toEqual(
      bad('too big bulk count string'),
    );
  });

  it('reads any commands in any chunks', () => {
    const commands = fc.array(
      fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 6 }),
      {
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(commands, fc.array(fc.integer({ min: 1, max: 40 })), (list, cuts) => {
        const parts: Buffer[] = [];
        for (const command of list) {
          parts.push(Buffer.from(`*${command.length}\r\n`));
          for (const arg of command) {
            parts.push(Buffer.from(`$${arg.length}\r\n`), Buffer.from(arg), Buffer.from('\r\n'));
          }
        }
        const bytes = Buffer.concat(parts);
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          chunks.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        const expected = list.map((c) => c.map((a) => Buffer.from(a).toString('latin1')));
        expect(parse(chunks.filter((c) => c.length > 0))).toEqual({
          requests: expected,
          error: '',
        });
      }),
    );
  });

  it('answers the same for garbage, however it is cut, and never throws', () => {
    const pieces = fc.constantFrom(
      '*',
      '$',
      '1',
      '3',
      '\r\n',
      '\r',
      '\n',
      'a',
      '"',
      "'",
      ' ',
      '-',
      '\0',
      'x'.repeat(20),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (list) => {
        const bytes = Buffer.from(list.join(''), 'latin1');
        expect(parse([...bytes].map((b) => Buffer.of(b)))).toEqual(parse([bytes]));
      }),
      { numRuns: 500 },
    );
  });

  it('costs memory for what has arrived, not for what is announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const parsers = Array.from({ length: 1000 }, () => {
      const parser = new RequestParser();
      const chunk = Buffer.from('*2\r\n$3\r\nSET\r\n$536870912\r\nabc');
      parser.push(chunk, 0, chunk.length);
      expect(parser.next(new Args())).toBe(ParseResult.more);
      parser.detach();
      return parser;
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
    expect(parsers[0]!.bufferedBytes).toBeGreaterThan(0);
  });

  it('makes room for a large argument once', () => {
    const parser = new RequestParser();
    const chunk = Buffer.alloc(64 << 10, 97);
    chunk.write('*2\r\n$4\r\nECHO\r\n$1000000\r\n', 'latin1');
    const sizes = new Set<number>();
    const args = new Args();
    for (let sent = 0; sent < 15; sent++) {
      parser.push(chunk.fill(97, sent === 0 ? 40 : 0), 0, chunk.length);
      expect(parser.next(args)).toBe(ParseResult.more);
      parser.detach();
      if (sent > 0) sizes.add(parser.ownBytes);
    }
    expect(sizes.size).toBe(1);
    expect([...sizes][0]).toBeLessThan(1_010_000);
  });

  it('works once for each of 200,000 arguments that come in small chunks', () => {
    class CountingArgs extends Args {
      pushes = 0;
      override push(off: number, len: number): void {
        this.pushes++;
        super.push(off, len);
      }
    }
    const count = 200_000;
    const words = Array.from({ length: count }, (_, i) => `${i}`);
    const bulks = words.map((word) => `$${word.length}\r\n${word}\r\n`);
    const bytes = Buffer.from(`*${count}\r\n${bulks.join('')}`);
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 1024) chunks.push(bytes.subarray(at, at + 1024));
    const args = new CountingArgs();
    expect(parse(chunks, true, args)).toEqual(ok(words));
    // As it is read, and when the command is complete; and one by `parse` for each chunk.
    expect(args.pushes).toBeLessThanOrEqual(2 * count + chunks.length);
  });
});
