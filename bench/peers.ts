/**
 * Many connections in a process of their own, which only count the bytes they get: subscribers, clients
 * that run transactions, clients that keep what they have read.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { keyOf } from './loader.ts';

export interface PeersOptions {
  readonly port: number;
  readonly count: number;
  /** What each sends first, as inline commands; `__key__` becomes a key of its own. */
  readonly opening: string;
  /** The end of the reply to that. */
  readonly ready: string;
  readonly role: keyof typeof ROLES;
}

/** What the process is asked, and what it answers; the roles say what the numbers mean. */
type Role = (question: readonly number[]) => Promise<number>;

const FILE = fileURLToPath(import.meta.url);
const ANSWER_TIMEOUT_MS = 60_000;

export class Peers implements AsyncDisposable {
  private readonly child: ChildProcess;
  private readonly gone = new AbortController();

  private constructor(options: PeersOptions) {
    this.child = fork(FILE, [JSON.stringify(options)]);
    this.child.once('exit', () => this.gone.abort());
  }

  /** Resolves when all are connected and ready. */
  static async start(options: PeersOptions): Promise<Peers> {
    const peers = new Peers(options);
    await peers.answer();
    return peers;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  ask(...question: readonly number[]): Promise<number> {
    const answer = this.answer();
    this.child.send(question);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.gone.signal.aborted) return;
    const exit = once(this.child, 'exit');
    this.child.kill();
    await exit;
  }

  /** Rejects when the process ends first, or after a minute. */
  private async answer(): Promise<number> {
    const signal = AbortSignal.any([this.gone.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
    const [answer] = await once(this.child, 'message', { signal });
    return Number(answer);
  }
}

// What follows runs in the child.

interface Peer {
  readonly socket: net.Socket;
  take: (bytes: number) => void;
}

/** All connections read into it; nobody looks at what it holds once they are ready. */
const shared = Buffer.allocUnsafe(64 * 1024);

function connect({ port, opening, ready }: PeersOptions, index: number): Promise<Peer> {
  return new Promise((resolve) => {
    const callback = (bytes: number): boolean => {
      peer.take(bytes);
      return true;
    };
    const peer: Peer = {
      socket: net.connect({ port, host: '127.0.0.1', onread: { buffer: shared, callback } }),
      take: (bytes) => {
        if (shared.toString('latin1', 0, bytes).endsWith(ready)) resolve(peer);
      },
    };
    peer.socket.setNoDelay(true);
    peer.socket.once('close', () => {
      throw new Error('the server has closed a connection');
    });
    peer.socket.write(opening.replace('__key__', keyOf(index)));
  });
}

/** Asked for a number of bytes: answers when that many have come, counted from the last answer on. */
function count(peers: readonly Peer[]): Role {
  let received = 0;
  let wanted = Number.POSITIVE_INFINITY;
  let answer: (nothing: number) => void = () => {};
  const check = (): void => {
    if (received < wanted) return;
    if (received > wanted) throw new Error(`${received} bytes instead of ${wanted}`);
    received = 0;
    wanted = Number.POSITIVE_INFINITY;
    answer(0);
  };
  for (const peer of peers) {
    peer.take = (bytes) => {
      received += bytes;
      check();
    };
  }
  return ([bytes]) =>
    new Promise((resolve) => {
      wanted = bytes!;
      answer = resolve;
      check();
    });
}

/** SETs of a transaction, between MULTI and EXEC. */
export const SETS = 10;
const TRANSACTION_REPLY = `+OK\r\n${'+QUEUED\r\n'.repeat(SETS)}*${SETS}\r\n${'+OK\r\n'.repeat(SETS)}`;

function transaction(index: number): string {
  const sets = Array.from({ length: SETS }, (_, i) => {
    return `*3\r\n$3\r\nSET\r\n$16\r\n${keyOf(index * SETS + i)}\r\n$3\r\nxxx\r\n`;
  });
  return `*1\r\n$5\r\nMULTI\r\n${sets.join('')}*1\r\n$4\r\nEXEC\r\n`;
}

/**
 * Asked for a number of transactions per write and a number of writes: makes them, one at a time on
 * each connection, and answers the seconds it took.
 */
function transact(peers: readonly Peer[]): Role {
  return ([depth, writes]) =>
    new Promise((resolve) => {
      let unsent = writes!;
      let unanswered = writes!;
      const began = performance.now();
      for (const [index, peer] of peers.entries()) {
        const texts = Array.from({ length: depth! }, (_, i) => transaction(index * depth! + i));
        const request = Buffer.from(texts.join(''), 'latin1');
        let left = 0;
        const send = (): void => {
          if (unsent === 0) return;
          unsent--;
          left = depth! * TRANSACTION_REPLY.length;
          peer.socket.write(request);
        };
        peer.take = (bytes) => {
          left -= bytes;
          if (left < 0) throw new Error('more bytes than the transactions answer');
          if (left > 0) return;
          if (--unanswered === 0) resolve((performance.now() - began) / 1000);
          else send();
        };
        send();
      }
    });
}

const TICK_MS = 10;
const VALUE_BYTES = '$3\r\nxxx\r\n'.length;
const INVALIDATION_BYTES = `>2\r\n$10\r\ninvalidate\r\n*1\r\n$16\r\n${keyOf(0)}\r\n`.length;

/** Each reads its key once a second; answers the invalidations since the last answer. */
function reread(peers: readonly Peer[]): Role {
  let received = 0;
  let reads = 0;
  let next = 0;
  const requests = peers.map((_, index) => {
    return Buffer.from(`*2\r\n$3\r\nGET\r\n$16\r\n${keyOf(index)}\r\n`, 'latin1');
  });
  for (const peer of peers) {
    peer.take = (bytes) => {
      received += bytes;
    };
  }
  setInterval(() => {
    for (let i = 0; i < (peers.length * TICK_MS) / 1000; i++) {
      peers[next]!.socket.write(requests[next]!);
      reads++;
      next = (next + 1) % peers.length;
    }
  }, TICK_MS);
  return async () => {
    const invalidations = (received - reads * VALUE_BYTES) / INVALIDATION_BYTES;
    received = 0;
    reads = 0;
    return Math.round(invalidations);
  };
}

const ROLES = { count, transact, reread } as const;

async function runAsChild(options: PeersOptions): Promise<void> {
  const peers: Peer[] = [];
  // One after the other: more at once than the backlog holds would be refused for a second.
  while (peers.length < options.count) peers.push(await connect(options, peers.length));
  const role = ROLES[options.role](peers);
  process.on('message', async (question: number[]) => process.send?.(await role(question)));
  process.once('disconnect', () => process.exit());
  process.send?.(0);
}

if (process.argv[1] === FILE) await runAsChild(JSON.parse(process.argv[2]!));
