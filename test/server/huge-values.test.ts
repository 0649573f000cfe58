/**
 * Strings of 512 MiB, as long as `proto-max-bulk-len` allows, in a server process of its own: set,
 * read, changed, copied, dumped; and refused one byte further. Long tier (RESPITE_FULL=1): it takes
 * 2.6 GB of memory and about half a minute.
 */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeCommand } from '../harness/reply.ts';
import { startRespite } from '../harness/respite.ts';
import type { ServerProcess } from '../harness/server-process.ts';

const full = process.env['RESPITE_FULL'] === '1';
const MAX_BYTES = 512 * 1024 * 1024;
/** The longest argument (docs/limits.md). */
const ARGUMENT_MAX = 536_869_864;
const TOO_LONG = '-ERR string exceeds maximum allowed size (proto-max-bulk-len)';
/** A server that does nothing is this large, and so much more may be on its way back. */
const ABOVE_USED_BYTES = 150e6;

let server: ServerProcess | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** A reply: its first line, and for a string how long it is, how it begins and how it ends. */
interface Answer {
  readonly line: string;
  readonly bytes: number;
  readonly begins: string;
  readonly ends: string;
}

/** Reads replies without keeping them. */
class Client {
  private readonly socket: net.Socket;
  private head: Buffer = Buffer.alloc(0);
  private tail: Buffer = Buffer.alloc(0);
  private received = 0;
  private wake: (() => void) | undefined;

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1' });
    this.socket.on('data', (chunk) => {
      if (this.head.length < 100) this.head = Buffer.concat([this.head, chunk]).subarray(0, 100);
      this.tail = Buffer.concat([this.tail.subarray(-100), chunk.subarray(-100)]);
      this.received += chunk.length;
      this.wake?.();
    });
    this.socket.on('close', () => this.wake?.());
  }

  ask(...argv: string[]): Promise<Answer> {
    return this.send(encodeCommand(argv));
  }

  async send(...parts: Buffer[]): Promise<Answer> {
    this.head = Buffer.alloc(0);
    this.tail = Buffer.alloc(0);
    this.received = 0;
    for (const part of parts) this.socket.write(part);
    for (;;) {
      const line = /^(.*)\r\n/.exec(this.head.toString('latin1'))?.[1];
      if (line !== undefined) {
        const bytes = line.startsWith('$') ? Number(line.slice(1)) : -1;
        const from = line.length + 2;
        if (bytes < 0 || this.received === from + bytes + 2) {
          const begins = this.head.toString('latin1', from, from + 3);
          return { line, bytes, begins, ends: this.tail.toString('latin1').slice(-5, -2) };
        }
      }
      if (this.socket.destroyed) throw new Error('the server closed the connection');
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

function resident(): number {
  const status = readFileSync(`/proc/${server?.pid}/status`, 'latin1');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

describe.skipIf(!full || process.platform !== 'linux')(
  'strings of 512 MiB [long tier: RESPITE_FULL=1]',
  () => {
    it('are kept whole, refused past that, and leave nothing behind', {
      timeout: 600_000,
    }, async () => {
      server = await startRespite();
      const client = new Client(server.port);
      const value = Buffer.alloc(ARGUMENT_MAX, 'abcdefg');
      const head = Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${ARGUMENT_MAX}\r\n`);
      expect((await client.send(head, value, Buffer.from('\r\n'))).line).toBe('+OK');
      const got = await client.ask('GET', 'k');
      const ends = value.toString('latin1', ARGUMENT_MAX - 3);
      expect(got).toMatchObject({ bytes: ARGUMENT_MAX, begins: 'abc', ends });

      const rest = 'r'.repeat(MAX_BYTES - ARGUMENT_MAX);
      expect((await client.ask('APPEND', 'k', rest)).line).toBe(`:${MAX_BYTES}`);
      expect((await client.ask('APPEND', 'k', 'x')).line).toBe(TOO_LONG);
      expect((await client.ask('SETRANGE', 'k', `${MAX_BYTES}`, 'x')).line).toBe(TOO_LONG);
      const last = await client.ask('SETRANGE', 'k', `${MAX_BYTES - 1}`, 'z');
      expect(last.line).toBe(`:${MAX_BYTES}`);
      expect(await client.ask('GETRANGE', 'k', '-3', '-1')).toMatchObject({ begins: 'rrz' });

      expect((await client.ask('COPY', 'k', 'c')).line).toBe(':1');
      expect((await client.ask('RENAME', 'c', 'd')).line).toBe('+OK');
      const whole = { bytes: MAX_BYTES, begins: 'abc', ends: 'rrz' };
      expect(await client.ask('GET', 'd')).toMatchObject(whole);
      expect(await client.ask('GET', 'k')).toMatchObject(whole);
      // One byte of type, five of length, the value, two of version, eight of checksum.
      expect((await client.ask('DUMP', 'k')).bytes).toBe(MAX_BYTES + 16);

      expect((await client.ask('SETRANGE', 'n', `${MAX_BYTES - 1}`, 'z')).line).toBe(
        `:${MAX_BYTES}`,
      );
      expect((await client.ask('FLUSHALL')).line).toBe('+OK');
      await expect.poll(resident, { timeout: 30_000 }).toBeLessThan(ABOVE_USED_BYTES);
      client.close();
    });
  },
);
