/** Fills a server as fast as it takes it: pipelined SETs of fixed form from one connection. */
import net from 'node:net';

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
  return `key:${String(index).padStart(12, '0')}`;
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
