/** Fills a server as fast as it takes it, from one connection: pipelined SETs, or any commands. */
import { once } from 'node:events';
import net from 'node:net';
import { type Command, digits } from './data.ts';

export interface LoadOptions {
  readonly port: number;
  readonly count: number;
  /** Bytes behind the value: more options of SET, as RESP. Their number belongs in `argc`. */
  readonly tail?: (index: number) => string;
  /** Arguments of each command; 3 without a tail. */
  readonly argc?: number;
  /** Commands under way at once. */
  readonly window?: number;
  readonly onProgress?: (done: number) => void;
}

const OK_BYTES = 5;
const BATCH = 1_000;

/** 16 bytes, the form of redis-benchmark's `key:__rand_int__`. */
export function keyOf(index: number): string {
  return `key:${digits(index)}`;
}

/** Sets `count` keys to a value of 3 bytes. Rejects when a reply is not OK. */
export function load(options: LoadOptions): Promise<void> {
  const { port, count, window = 10_000, argc = 3, tail, onProgress } = options;
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    let sent = 0;
    let received = 0;
    const fill = (): void => {
      while (sent < count && sent - received / OK_BYTES < window) {
        const end = Math.min(sent + BATCH, count);
        let batch = '';
        for (; sent < end; sent++) {
          batch += `*${argc}\r\n$3\r\nSET\r\n$16\r\n${keyOf(sent)}\r\n$3\r\nxxx\r\n`;
          if (tail !== undefined) batch += tail(sent);
        }
        socket.write(batch, 'latin1');
      }
    };
    socket.setNoDelay(true);
    socket.once('connect', fill);
    socket.once('error', reject);
    socket.on('data', (chunk: Buffer) => {
      if (chunk.includes('-')) {
        socket.destroy();
        reject(new Error(`the server refuses: ${chunk.toString('latin1', 0, 100)}`));
        return;
      }
      received += chunk.length;
      onProgress?.(received / OK_BYTES);
      if (received < count * OK_BYTES) return fill();
      socket.destroy();
      resolve();
    });
  });
}

const BATCH_BYTES = 64 * 1024;
/** The reply to the PING that follows the commands. */
const END = '+PONG\r\n';

/** Sends commands of ASCII text; resolves when all are answered, rejects when one is refused. */
export async function fill(
  port: number,
  commands: Iterable<Command>,
  onProgress?: (sent: number) => void,
): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  const answered = new Promise<void>((resolve, reject) => {
    let tail = '';
    socket.once('error', reject);
    socket.on('data', (chunk: Buffer) => {
      const text = tail + chunk.toString('latin1');
      const refusal = /(?:^|\n)(-[A-Z].*)/.exec(text);
      if (refusal !== null) socket.destroy(new Error(`the server refuses: ${refusal[1]}`));
      tail = text.slice(-END.length);
      if (tail === END) resolve();
    });
  });
  // Whoever waits for 'drain' hears of an error first.
  answered.catch(() => {});
  let batch = '';
  let sent = 0;
  for (const command of commands) {
    batch += `*${command.length}\r\n`;
    for (const argument of command) batch += `$${argument.length}\r\n${argument}\r\n`;
    sent++;
    if (batch.length < BATCH_BYTES) continue;
    if (!socket.write(batch, 'latin1')) await once(socket, 'drain');
    batch = '';
    onProgress?.(sent);
  }
  socket.write(`${batch}PING\r\n`, 'latin1');
  await answered;
  socket.destroy();
}
