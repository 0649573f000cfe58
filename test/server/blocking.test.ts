/**
 * Blocked clients over real sockets: order, wake-ups, ends of every kind, and that ten thousand of
 * them cost nothing while nothing happens.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Round } from '../../src/keyspace/waiting-lines.ts';
import type { Server } from '../../src/server/server.ts';
import type { Connection } from '../harness/connection.ts';
import { cpuMsOf } from '../harness/cpu-time.ts';
import {
  atClose,
  connectTo as client,
  closeAll,
  takeReplies as replies,
  startServer as start,
  until,
} from '../harness/in-process-server.ts';
import { startRespite } from '../harness/respite.ts';

afterEach(closeAll);

/** A client that waits by now. */
async function blocked(server: Server, ...argv: string[]): Promise<Connection> {
  const connection = await client(server);
  await block(server, connection, ...argv);
  return connection;
}

async function block(server: Server, connection: Connection, ...argv: string[]): Promise<void> {
  const before = server.blocking.size;
  connection.send(...argv);
  await until(() => server.blocking.size === before + 1);
}

/** Nobody waits, nothing is kept for anybody. */
function expectNothingLeft(server: Server): void {
  const { waiters } = server.keyspace.changes;
  expect(server.blocking.size).toBe(0);
  expect(waiters.size).toBe(0);
  expect((waiters as unknown as { queues: Map<number, unknown> }).queues.size).toBe(0);
  expect(waiters.hasChanged).toBe(false);
}

describe('serving', () => {
  it('comes in the order of waiting, an element each', async () => {
    const server = await start();
    const waiting: Connection[] = [];
    for (let i = 0; i < 5; i++) waiting.push(await blocked(server, 'BLPOP', 'k', '0'));
    const pusher = await client(server);
    expect(await pusher.text('RPUSH', 'k', 'a', 'b', 'c')).toBe('3');
    for (const [i, element] of ['a', 'b', 'c'].entries()) {
      expect(await replies(waiting[i]!, 1)).toEqual([`*2 $1 k $1 ${element}`]);
    }
    expect(server.blocking.size).toBe(2);
    expect(await pusher.text('EXISTS', 'k')).toBe('0');
    await pusher.text('LPUSH', 'k', 'd', 'e');
    expect(await replies(waiting[3]!, 1)).toEqual(['*2 $1 k $1 e']);
    expect(await replies(waiting[4]!, 1)).toEqual(['*2 $1 k $1 d']);
    expectNothingLeft(server);
  });

  it('whoever waits for several keys is served once', async () => {
    const server = await start();
    const waiting = await blocked(server, 'BLPOP', 'a', 'b', 'a', 'c', '0');
    const pusher = await client(server);
    pusher.send('RPUSH', 'b', '1', '2');
    pusher.send('RPUSH', 'a', '3');
    expect(await replies(pusher, 2)).toEqual([':2', ':1']);
    expect(await replies(waiting, 1)).toEqual(['*2 $1 b $1 1']);
    expect(await pusher.text('LLEN', 'b')).toBe('1');
    expect(await pusher.text('LLEN', 'a')).toBe('1');
    expectNothingLeft(server);
  });

  it('goes on with what the client sent meanwhile, in order', async () => {
    const server = await start();
    const waiting = await client(server);
    const other = await client(server);
    waiting.send('SET', 'x', '0');
    waiting.send('BLPOP', 'k', '0');
    waiting.send('INCR', 'x');
    waiting.send('BLPOP', 'k', '0');
    waiting.send('INCR', 'x');
    await until(() => server.blocking.size === 1);
    waiting.send('BLPOP', 'k', '0');
    waiting.send('GET', 'x');
    expect(await replies(waiting, 1)).toEqual(['+OK']);
    expect(await other.text('GET', 'x')).toBe('0');
    expect(waiting.hasReply).toBe(false);
    await other.text('RPUSH', 'k', 'a');
    expect(await replies(waiting, 2)).toEqual(['*2 $1 k $1 a', ':1']);
    await until(() => server.blocking.size === 1);
    expect(await other.text('GET', 'x')).toBe('1');
    await other.text('RPUSH', 'k', 'b', 'c');
    expect(await replies(waiting, 4)).toEqual(['*2 $1 k $1 b', ':2', '*2 $1 k $1 c', '$1 2']);
    expectNothingLeft(server);
  });

  it('a chain of BLMOVE carries an element through', async () => {
    const server = await start();
    const last = await blocked(server, 'BLPOP', 'd', '0');
    const third = await blocked(server, 'BLMOVE', 'c', 'd', 'LEFT', 'RIGHT', '0');
    const first = await blocked(server, 'BLMOVE', 'a', 'b', 'LEFT', 'RIGHT', '0');
    const second = await blocked(server, 'BRPOPLPUSH', 'b', 'c', '0');
    const pusher = await client(server);
    expect(await pusher.text('LPUSH', 'a', 'x')).toBe('1');
    for (const mover of [first, second, third]) expect(await replies(mover, 1)).toEqual(['$1 x']);
    expect(await replies(last, 1)).toEqual(['*2 $1 d $1 x']);
    expect(await pusher.text('DBSIZE')).toBe('0');
    expectNothingLeft(server);
  });

  it('two that move in a circle end', async () => {
    const server = await start();
    const there = await blocked(server, 'BLMOVE', 'a', 'b', 'LEFT', 'RIGHT', '0');
    const back = await blocked(server, 'BLMOVE', 'b', 'a', 'LEFT', 'RIGHT', '0');
    const same = await blocked(server, 'BLMOVE', 'a', 'a', 'LEFT', 'RIGHT', '0');
    const pusher = await client(server);
    await pusher.text('RPUSH', 'a', 'x');
    for (const mover of [there, back, same]) expect(await replies(mover, 1)).toEqual(['$1 x']);
    expect(await pusher.text('LRANGE', 'a', '0', '-1').catch(String)).toBe('');
    expect(await pusher.text('LINDEX', 'a', '0')).toBe('x');
    expectNothingLeft(server);
  });

  it('is not disturbed by a value of another type, and finds what SWAPDB and RENAME bring', async () => {
    const server = await start();
    const other = await client(server);
    const first = await blocked(server, 'BLPOP', 'k', '0');
    await other.text('SET', 'k', 'v');
    await other.text('DEL', 'k');
    expect(server.blocking.size).toBe(1);
    other.send('SELECT', '1');
    other.send('RPUSH', 'k', 'a');
    other.send('SWAPDB', '0', '1');
    expect(await replies(other, 3)).toEqual(['+OK', ':1', '+OK']);
    expect(await replies(first, 1)).toEqual(['*2 $1 k $1 a']);
    const second = await blocked(server, 'BZPOPMIN', 'z', '0');
    other.send('SELECT', '0');
    other.send('ZADD', 'y', '1', 'm');
    other.send('RENAME', 'y', 'z');
    expect(await replies(other, 3)).toEqual(['+OK', ':1', '+OK']);
    expect(await replies(second, 1)).toEqual(['*3 $1 z $1 m $1 1']);
    expectNothingLeft(server);
  });
});

describe('the end of a wait', () => {
  it('a client that hangs up leaves nothing behind and takes no element', async () => {
    const server = await start();
    const gone = await blocked(server, 'BLPOP', 'k', 'k2', '0');
    const half = await blocked(server, 'BLMOVE', 'k', 'l', 'LEFT', 'LEFT', '10');
    const stays = await blocked(server, 'BLPOP', 'k', '0');
    gone.close();
    void half.end();
    await until(() => server.clients.size === 1);
    expect(server.blocking.size).toBe(1);
    expect(server.keyspace.changes.waiters.size).toBe(1);
    const pusher = await client(server);
    await pusher.text('RPUSH', 'k', 'a');
    expect(await replies(stays, 1)).toEqual(['*2 $1 k $1 a']);
    expectNothingLeft(server);
  });

  it('CLIENT KILL leaves nothing behind', async () => {
    const server = await start();
    const victim = await client(server);
    const id = await victim.text('CLIENT', 'ID');
    await block(server, victim, 'BLPOP', 'k', '0');
    const other = await client(server);
    expect(await other.text('CLIENT', 'KILL', 'ID', id)).toBe('1');
    await victim.closed();
    await until(() => server.clients.size === 1);
    expectNothingLeft(server);
    expect(await other.text('RPUSH', 'k', 'a')).toBe('1');
    expect(await other.text('LLEN', 'k')).toBe('1');
  });

  it('a push in the same batch as the CLIENT KILL does not go to the dead', async () => {
    const server = await start();
    const victim = await client(server);
    const id = await victim.text('CLIENT', 'ID');
    await block(server, victim, 'BLPOP', 'k', '0');
    const next = await blocked(server, 'BLPOP', 'k', '0');
    const other = await client(server);
    other.write(Buffer.from(`CLIENT KILL ID ${id}\r\nRPUSH k a b\r\nLLEN k\r\n`));
    expect(await replies(other, 3)).toEqual([':1', ':2', ':1']);
    expect(await replies(next, 1)).toEqual(['*2 $1 k $1 a']);
    expect(await victim.closed()).toBe(0);
  });

  it('CLIENT UNBLOCK answers as a timeout or an error, and the client goes on', async () => {
    const server = await start();
    const waiting = await client(server);
    const other = await client(server);
    const id = await waiting.text('CLIENT', 'ID');
    const cases: [argv: string[], how: string[], reply: string][] = [
      [['BLPOP', 'k', '0'], [], '*-1'],
      [['BLPOP', 'k', '0'], ['TIMEOUT'], '*-1'],
      [['BLMOVE', 'k', 'l', 'LEFT', 'LEFT', '0'], ['TIMEOUT'], '*-1'],
      [['BZPOPMAX', 'k', '0'], ['TIMEOUT'], '*-1'],
      [
        ['BLMPOP', '0', '1', 'k', 'LEFT'],
        ['ERROR'],
        '-UNBLOCKED client unblocked via CLIENT UNBLOCK',
      ],
    ];
    for (const [argv, how, reply] of cases) {
      await block(server, waiting, ...argv);
      waiting.send('PING');
      expect(await other.text('CLIENT', 'UNBLOCK', id, ...how)).toBe('1');
      expect(await replies(waiting, 2)).toEqual([reply, '+PONG']);
      expect(await other.text('CLIENT', 'UNBLOCK', id, ...how)).toBe('0');
      expectNothingLeft(server);
    }
  });

  it('timeouts fire not before their time, and when a timer of that time does', async () => {
    const server = await start();
    const clients: Connection[] = [];
    for (let i = 0; i < 20; i++) clients.push(await client(server));
    const times = await Promise.all(
      clients.map(async (connection, i) => {
        const timeoutMs = 20 + i * 10;
        const since = performance.now();
        // Where another process has the processor for a while, this timer is late, too.
        let firedAt = Number.POSITIVE_INFINITY;
        setTimeout(() => {
          firedAt = performance.now();
        }, timeoutMs);
        connection.send('BLPOP', 'k', String(timeoutMs / 1000));
        expect(await replies(connection, 1)).toEqual(['*-1']);
        const repliedAt = performance.now();
        return { early: since + timeoutMs - repliedAt, late: repliedAt - firedAt };
      }),
    );
    // Date.now() counts whole milliseconds.
    expect(Math.max(...times.map(({ early }) => early))).toBeLessThan(2);
    expect(Math.max(...times.map(({ late }) => late))).toBeLessThan(100);
    expectNothingLeft(server);
  });

  it('close() ends blocked clients', async () => {
    const server = await start();
    const waiting = await blocked(server, 'BLPOP', 'k', '100');
    await server.close();
    expect(await waiting.closed()).toBe(0);
    expectNothingLeft(server);
  });
});

describe('many blocked clients', () => {
  /** How many sockets this process and the server may have each, of the 10,000 wanted. */
  function affordable(): number {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    const files = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? 1024);
    const clients = Math.min(10_000, files - 300);
    if (clients < 10_000) {
      console.warn(`blocking: ${clients} clients only, for ${files} files may be open`);
    }
    return clients;
  }

  /** Sends one request on a new socket and collects the answer. */
  class Waiting {
    text = '';
    private readonly socket: Socket;

    constructor(port: number, request: string, onText: () => void) {
      this.socket = connect(port, '127.0.0.1');
      this.socket.setEncoding('latin1');
      this.socket.on('error', () => {});
      this.socket.on('data', (chunk) => {
        this.text += chunk;
        onText();
      });
      this.socket.write(request);
    }

    /** Which one in the queue it is: the answer to its INCR. */
    get place(): number {
      return Number(/^:(\d+)\r\n/.exec(this.text)?.[1] ?? 0);
    }

    close(): void {
      this.socket.destroy();
    }
  }

  async function cpuSeconds(connection: Connection): Promise<number> {
    const info = await connection.text('INFO', 'cpu');
    const read = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
    return read('used_cpu_user') + read('used_cpu_sys');
  }

  it('10,000 cost no CPU while idle and are all served in order by one RPUSH', async () => {
    const count = affordable();
    const server = await startRespite(['--maxclients', '10100']);
    atClose(() => server.stop());
    const control = await server.connect();
    atClose(() => control.close());
    const info = async (line: RegExp) => {
      return Number(line.exec(await control.text('INFO', 'clients'))?.[1]);
    };
    const clients: Waiting[] = [];
    atClose(() => {
      for (const waiting of clients) waiting.close();
    });
    // INCR tells the place in the queue: both commands are in one chunk.
    for (let i = 0; i < count; i++) {
      clients.push(new Waiting(server.port, 'INCR place\r\nBLPOP k 0\r\n', () => {}));
      if (i % 500 === 499) while ((await info(/blocked_clients:(\d+)/)) < i + 1);
    }
    while ((await info(/blocked_clients:(\d+)/)) < count);
    const before = await cpuSeconds(control);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await cpuSeconds(control)) - before).toBeLessThan(0.25);

    const elements = clients.map((_, i) => `e${i + 1}`);
    expect(await control.text('RPUSH', 'k', ...elements)).toBe(String(count));
    expect(await info(/blocked_clients:(\d+)/)).toBe(0);
    expect(await control.text('EXISTS', 'k')).toBe('0');
    const isServed = (waiting: Waiting) =>
      waiting.text.includes('*2') && waiting.text.endsWith('\n');
    await until(() => clients.every(isServed));
    for (const { place, text } of clients) {
      const element = `e${place}`;
      const expected = `:${place}\r\n*2\r\n$1\r\nk\r\n$${element.length}\r\n${element}\r\n`;
      if (text !== expected) expect(text).toBe(expected);
    }
  });

  it('2,000 that wait for one key do not make each push dear', async () => {
    const server = await start();
    const waiting: Connection[] = [];
    for (let i = 0; i < 2000; i++) waiting.push(await client(server));
    for (const connection of waiting) connection.send('BLPOP', 'k', '0');
    await until(() => server.blocking.size === waiting.length);
    const pusher = await client(server);
    const cost = await cpuMsOf(async () => {
      for (let i = 0; i < 500; i++) pusher.send('RPUSH', 'k', `e${i}`);
      await replies(pusher, 500);
    });
    expect(cost / 500).toBeLessThan(1);
  });
});

describe('consumers of one group', () => {
  const reads = (consumer: string, ...more: string[]) => {
    const group = ['XREADGROUP', 'GROUP', 'g', consumer, ...more];
    return [...group, 'BLOCK', '0', 'STREAMS', 's', '>'];
  };

  it('cost an attempt or two for each entry, however many wait', async () => {
    const server = await start();
    const adder = await client(server);
    await adder.text('XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM');
    const waiting: Connection[] = [];
    for (let i = 0; i < 100; i++) waiting.push(await blocked(server, ...reads(`c${i}`)));
    const asked = vi.spyOn(Round.prototype, 'next');
    for (let i = 0; i < 10; i++) await adder.text('XADD', 's', `${i}-1`, 'f', 'v');
    for (let i = 0; i < 10; i++) {
      expect(await replies(waiting[i]!, 1)).toEqual([`*1 *2 $1 s *1 *2 $3 ${i}-1 *2 $1 f $1 v`]);
    }
    expect(server.blocking.size).toBe(90);
    // One is served; then the next one finds nothing, once for each time that the key has changed.
    expect(asked.mock.results.filter(({ value }) => value !== undefined).length).toBeLessThan(31);
    asked.mockRestore();
  });

  it('learn when to claim from whoever stood before them', async () => {
    const server = await start();
    const other = await client(server);
    await other.text('XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM');
    const first = await blocked(server, ...reads('a', 'CLAIM', '200'));
    const second = await blocked(server, ...reads('b', 'CLAIM', '200'));
    const third = await blocked(server, ...reads('c', 'CLAIM', '200'));
    // Pending from here on, as the first two get one each; only the third waits for the claim.
    await other.text('XADD', 's', '1-0', 'f', 'v');
    await other.text('XADD', 's', '2-0', 'f', 'v');
    const fresh = (id: string) => `*1 *2 $1 s *1 *4 $3 ${id} *2 $1 f $1 v :0 :0`;
    expect(await replies(first, 1)).toEqual([fresh('1-0')]);
    expect(await replies(second, 1)).toEqual([fresh('2-0')]);
    const [claimed] = await replies(third, 1);
    expect(claimed).toMatch(/^\*1 \*2 \$1 s \*[12] \*4 \$3 1-0 \*2 \$1 f \$1 v :\d{3,} :1/);
    expectNothingLeft(server);
  });

  it('learn it, too, when the one before them hangs up', async () => {
    const server = await start();
    const other = await client(server);
    await other.text('XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM');
    const first = await blocked(server, ...reads('a', 'CLAIM', '150'));
    const second = await blocked(server, ...reads('b', 'CLAIM', '150'));
    // Another consumer without CLAIM takes the entry before those two can.
    await other.text('MULTI');
    await other.text('XADD', 's', '1-0', 'f', 'v');
    await other.text('XREADGROUP', 'GROUP', 'g', 'd', 'STREAMS', 's', '>');
    await other.call('EXEC');
    first.close();
    await until(() => server.blocking.size === 1);
    expect((await replies(second, 1))[0]).toMatch(/1-0 .* :\d{3,} :1$/);
    expectNothingLeft(server);
  });
});
