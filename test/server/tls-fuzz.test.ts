/**
 * Parser inputs over TLS: what a parser makes of bytes that came in records of any size, through the
 * buffer that all connections share, is what it makes of them in one piece. The long tier
 * (RESPITE_FULL=1) has 2,000,000 inputs.
 */
import tls from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Connection, Receiver } from '../../src/net/connection.ts';
import { Listener } from '../../src/net/listener.ts';
import { TlsAcceptor } from '../../src/net/tls-acceptor.ts';
import { makeContexts } from '../../src/net/tls-context.ts';
import { ParseResult, RequestParser } from '../../src/resp/request-parser.ts';
import { Args } from '../../src/util/args.ts';
import { Certificates } from '../harness/certificates.ts';
import { SEED } from '../harness/seed.ts';
import { Random } from '../linearizability/random.ts';

const INPUTS = process.env['RESPITE_FULL'] === '1' ? 2_000_000 : 50_000;
const PER_CONNECTION = 10_000;

let certs: Certificates;

beforeAll(() => {
  certs = new Certificates();
});
afterAll(() => certs.remove());

/** One parser's view of one input. */
class Reader {
  private readonly parser = new RequestParser();
  private readonly args = new Args();
  private outcome = '';
  private failed = false;

  push(chunk: Uint8Array, from: number, to: number): void {
    if (this.failed) return;
    this.parser.push(chunk, from, to);
    for (;;) {
      const result = this.parser.next(this.args);
      if (result === ParseResult.more) break;
      if (result === ParseResult.error) {
        this.outcome += `!${this.parser.error}`;
        this.failed = true;
        break;
      }
      for (let i = 0; i < this.args.argc; i++) this.outcome += ` ${this.args.latin1(i)}`;
      this.outcome += '\n';
    }
    this.parser.detach();
  }

  get text(): string {
    return this.outcome;
  }
}

/** Takes a stream apart: inputs with their length before them, each for a parser of its own. */
class Takings implements Receiver {
  readonly outcomes: string[] = [];
  private head = 0;
  private headBytes = 0;
  private left = 0;
  private reader = new Reader();

  received(chunk: Uint8Array, length: number): void {
    for (let at = 0; at < length; ) {
      if (this.headBytes < 2) {
        this.head = this.head * 256 + chunk[at++]!;
        if (++this.headBytes === 2) this.left = this.head;
      } else {
        const end = Math.min(length, at + this.left);
        this.reader.push(chunk, at, end);
        this.left -= end - at;
        at = end;
      }
      if (this.headBytes === 2 && this.left === 0) this.finish();
    }
  }

  drained(): void {}
  connectionClosed(): void {}

  private finish(): void {
    this.outcomes.push(this.reader.text);
    this.reader = new Reader();
    this.head = 0;
    this.headBytes = 0;
  }
}

const pieces = [
  '*1\r\n$4\r\nPING\r\n',
  '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n',
  '*2\r\n$4\r\nECHO\r\n$0\r\n\r\n',
  'PING\r\n',
  'SET "a b" \'c\'\r\n',
  '*0\r\n',
  '*-1\r\n',
  '*2147483647\r\n',
  '$16\r\n',
  '*1\r\n$536870913\r\n',
  '\r\n',
  '"',
  '\0',
  '*',
  '$',
  '-1',
  '9',
  'x',
].map((text) => Buffer.from(text, 'latin1'));

/** Requests, some of them damaged, some of them none. */
function input(random: Random): Buffer {
  const count = 1 + random.below(4);
  const whole = Buffer.concat(
    Array.from({ length: count }, () => pieces[random.below(pieces.length)]!),
  );
  for (let i = random.below(4); i > 1; i--) {
    whole[random.below(whole.length)] = random.below(256);
  }
  return whole.subarray(0, random.below(8) === 0 ? random.below(whole.length) : whole.length);
}

function expected(bytes: Buffer): string {
  const reader = new Reader();
  if (bytes.length > 0) reader.push(bytes, 0, bytes.length);
  return reader.text;
}

/** Sends a stream cut into records, and waits until all of it has been taken. */
async function send(port: number, stream: Buffer, random: Random): Promise<void> {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  const sizes = [1, 2, 7, 40, 300, 5_000, 40_000];
  for (let at = 0; at < stream.length; ) {
    const end = at + 1 + random.below(sizes[random.below(sizes.length)]!);
    const taken = socket.write(stream.subarray(at, end));
    at = end;
    if (!taken) await new Promise<void>((resolve) => socket.once('drain', () => resolve()));
  }
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.end();
  });
}

it(`${INPUTS} inputs (seed ${SEED})`, { timeout: 300_000 }, async () => {
  const pair = certs.signed('server', '/CN=localhost');
  const none = { clientCertFile: '', clientKeyFile: '', clientKeyPass: '', keyPass: '' };
  const files = { caCertFile: '', caCertDir: '', dhParamsFile: '' };
  const { server: context } = makeContexts({
    ...none,
    ...files,
    certFile: pair.cert,
    keyFile: pair.key,
    protocols: '',
    ciphers: '',
    ciphersuites: '',
    preferServerCiphers: false,
    sessionCaching: true,
    sessionSeconds: 300,
    verifies: false,
  });
  const acceptor = new TlsAcceptor(
    () => 0,
    (message) => expect(message).toBe(''),
  );
  acceptor.terms = { context, asks: false, demands: false };
  const takings: Takings[] = [];
  const accept = (connection: Connection) => {
    const receiver = new Takings();
    takings.push(receiver);
    connection.receiver = receiver;
    connection.start();
  };
  const listener = new Listener(accept, (socket, buffer) => acceptor.receive(socket, buffer));
  const port = await listener.listenTcp({ host: '127.0.0.1', port: 0, backlog: 10 });
  const random = new Random(SEED);
  for (let done = 0; done < INPUTS; done += PER_CONNECTION) {
    const inputs = Array.from({ length: Math.min(PER_CONNECTION, INPUTS - done) }, () =>
      input(random),
    );
    const stream = Buffer.concat(
      inputs.flatMap((bytes) => [Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]),
    );
    await send(port, stream, random);
    const { outcomes } = takings.pop()!;
    expect(outcomes.length).toBe(inputs.length);
    inputs.forEach((bytes, i) => {
      if (outcomes[i] !== expected(bytes)) {
        expect({ bytes: bytes.toString('latin1'), got: outcomes[i] }).toEqual({
          bytes: bytes.toString('latin1'),
          got: expected(bytes),
        });
      }
    });
  }
  listener.close();
});
