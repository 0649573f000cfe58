/**
 * A server between client and server that alters replies: the test of the tests. What a seeded
 * fault does to the wire, a comparison must notice.
 */
import net from 'node:net';
import { decode, type Reply } from './reply.ts';

export type Alteration = (reply: Buffer, decoded: Reply, index: number) => Buffer;

export interface AlteringProxy extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly log: string;
}

/** Stands before the server at `port`; `alter` may change each reply (an empty one drops it). */
export async function startAlteringProxy(port: number, alter: Alteration): Promise<AlteringProxy> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    let pending: Buffer = Buffer.alloc(0);
    let index = 0;
    upstream.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        const decoded = pending.length === 0 ? undefined : decode(pending);
        if (decoded === undefined) return;
        client.write(alter(pending.subarray(0, decoded.end), decoded.reply, index++));
        pending = pending.subarray(decoded.end);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    name: 'altered oracle',
    port: typeof address === 'object' && address !== null ? address.port : 0,
    log: '',
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
