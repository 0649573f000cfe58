/** Rooms of socket.io over two processes' worth of servers, by either of its adapters. */
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { afterEach, expect, it } from 'vitest';
import { createServer } from '../../../src/index.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function newClient(url: string) {
  const client = createClient({ url });
  await client.connect();
  open.push(() => client.close());
  return client;
}

type Client = Awaited<ReturnType<typeof newClient>>;

async function node(adapter: unknown) {
  const http = createHttpServer();
  const server = new Server(http, { adapter: adapter as never });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  open.push(() => server.close());
  server.on('connection', (socket) => {
    socket.on('join', async (room: string, joined: () => void) => {
      await socket.join(room);
      joined();
    });
  });
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const client = io(url, { transports: ['websocket'], forceNew: true });
  open.push(() => client.close());
  await new Promise<void>((resolve) => client.on('connect', () => resolve()));
  return { server, client };
}

const adapters: readonly (readonly [string, (a: Client, b: Client) => unknown])[] = [
  ['pub/sub', (a, b) => createAdapter(a, b)],
  ['sharded pub/sub', (a, b) => createShardedAdapter(a, b)],
  ['streams', (a) => createStreamsAdapter(a)],
];

it.each(adapters)(
  '%s: an event for a room reaches clients of the other server',
  async (_, make) => {
    const respite = await createServer();
    open.push(() => respite.close());
    const nodes = [];
    for (let i = 0; i < 2; i++) {
      const adapter = make(await newClient(respite.url), await newClient(respite.url));
      nodes.push(await node(adapter));
    }
    const [a, b] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
    await b.client.emitWithAck('join', 'room');
    const heard = new Promise((resolve) => b.client.on('news', resolve));
    a.server.to('room').emit('news', 'hello');
    expect(await heard).toBe('hello');
    await expect.poll(async () => (await a.server.in('room').fetchSockets()).length).toBe(1);
  },
);
