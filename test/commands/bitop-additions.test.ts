/**
 * BITOP's DIFF, DIFF1, ANDOR and ONE of Redis 8.2, which the reference server is too old for.
 * Expectations come from their documentation.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createServer, type RespiteServer } from '../../src/index.ts';
import { Connection } from '../harness/connection.ts';
import { textOf } from '../harness/reply.ts';
import { splitWords } from '../harness/script.ts';

let server: RespiteServer;
let connection: Connection;

beforeAll(async () => {
  server = await createServer();
  connection = await Connection.open(server.port);
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.reset();
  await send('MSET x "\\xf0\\xff" y "\\xcc" z "\\xaa\\x0f\\x01" e ""');
});

/** Sends one line; the text of the reply, a character for each byte. */
async function send(line: string): Promise<string | undefined> {
  const words = splitWords(line)!.map((word) => Buffer.from(word, 'latin1'));
  return textOf(await connection.call(...words));
}

/** Runs BITOP into `d`; its answer, and in hex what is there then. */
async function bitop(operation: string, ...sources: string[]): Promise<[string, string]> {
  const answer = await send(['BITOP', operation, 'd', ...sources].join(' '));
  const stored = await send('GET d');
  return [answer!, Buffer.from(stored ?? 'none', 'latin1').toString('hex')];
}

describe('BITOP DIFF', () => {
  it('keeps the bits of the first source that no other has', async () => {
    expect(await bitop('DIFF', 'x', 'y')).toEqual(['2', '30ff']);
    expect(await bitop('diff', 'x', 'y', 'z')).toEqual(['3', '10f000']);
    expect(await bitop('DIFF', 'y', 'none')).toEqual(['1', 'cc']);
    expect(await bitop('DIFF', 'none', 'z')).toEqual(['3', '000000']);
  });
});

describe('BITOP DIFF1', () => {
  it('keeps the bits of the others that the first source has not', async () => {
    expect(await bitop('DIFF1', 'x', 'y')).toEqual(['2', '0c00']);
    expect(await bitop('Diff1', 'x', 'y', 'z')).toEqual(['3', '0e0001']);
    expect(await bitop('DIFF1', 'none', 'y')).toEqual(['1', 'cc']);
    expect(await bitop('DIFF1', 'z', 'none')).toEqual(['3', '000000']);
  });
});

describe('BITOP ANDOR', () => {
  it('keeps the bits of the first source that some other has, too', async () => {
    expect(await bitop('ANDOR', 'x', 'y')).toEqual(['2', 'c000']);
    expect(await bitop('andor', 'x', 'y', 'z')).toEqual(['3', 'e00f00']);
    expect(await bitop('ANDOR', 'none', 'z')).toEqual(['3', '000000']);
    expect(await bitop('ANDOR', 'y', 'none')).toEqual(['1', '00']);
  });
});

describe('BITOP ONE', () => {
  it('keeps the bits that exactly one source has', async () => {
    expect(await bitop('ONE', 'x')).toEqual(['2', 'f0ff']);
    expect(await bitop('ONE', 'x', 'y')).toEqual(['2', '3cff']);
    expect(await bitop('one', 'x', 'y', 'z')).toEqual(['3', '16f001']);
    expect(await bitop('ONE', 'x', 'x', 'y')).toEqual(['2', '0c00']);
    expect(await bitop('ONE', 'x', 'x', 'x')).toEqual(['2', '0000']);
  });
});

describe('BITOP with the operations of 8.2', () => {
  it.each(['DIFF', 'DIFF1', 'ANDOR'])('%s needs two sources', async (operation) => {
    const refusal = `ERR BITOP ${operation} must be called with at least two source keys.`;
    expect((await bitop(operation, 'x'))[0]).toBe(refusal);
    expect((await bitop(operation.toLowerCase(), 'x'))[0]).toBe(refusal);
    expect(await send('EXISTS d')).toBe('0');
  });

  it.each(['DIFF', 'DIFF1', 'ANDOR', 'ONE'])('%s of nothing removes the key', async (operation) => {
    await send('SET d old');
    expect(await bitop(operation, 'none', 'e')).toEqual(['0', '6e6f6e65']);
    expect(await send('EXISTS d')).toBe('0');
  });

  it.each(['DIFF', 'DIFF1', 'ANDOR', 'ONE'])('%s may store into a source', async (operation) => {
    const [, result] = await bitop(operation, 'x', 'y', 'z');
    await send(`BITOP ${operation} x x y z`);
    expect(Buffer.from((await send('GET x'))!, 'latin1').toString('hex')).toBe(result);
    expect(await send('OBJECT ENCODING x')).toBe('raw');
  });

  it('refuses words that are near them', async () => {
    for (const word of ['DIFF2', 'DIF', 'NAND', 'ANDOR1', 'ONES']) {
      expect((await bitop(word, 'x', 'y'))[0]).toBe('ERR syntax error');
    }
  });
});
