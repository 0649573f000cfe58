/**
 * What a server on Node costs that does nothing: a process of its own that answers every PING of
 * redis-benchmark. `floor-server.js stream` reads and writes as most Node programs do, `direct` as
 * respite does: one buffer for all reads, one write past the stream when the turn ends
 * (docs/decisions/0002 and 0009). Prints its port.
 */
import { writeSync } from 'node:fs';
import net from 'node:net';

/** What redis-benchmark sends for each PING; nothing else is understood. */
const REQUEST_BYTES = Buffer.byteLength('*1\r\n$4\r\nPING\r\n');
const REPLY = Buffer.from('+PONG\r\n');
const replies = Buffer.from(REPLY.toString('latin1').repeat(4096));

/** Counts the requests of one connection, whatever the pieces they come in. */
class Requests {
  private rest = 0;

  complete(bytes: number): number {
    const all = this.rest + bytes;
    this.rest = all % REQUEST_BYTES;
    return (all - this.rest) / REQUEST_BYTES;
  }
}

const isStream = process.argv[2] === 'stream';
const server = net.createServer({ pauseOnConnect: !isStream, noDelay: true }, (socket) => {
  if (isStream) serveStream(socket);
  else serveDirectly(socket);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as net.AddressInfo).port}\n`);
});

function serveStream(socket: net.Socket): void {
  const requests = new Requests();
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    socket.write(replies.subarray(0, requests.complete(chunk.length) * REPLY.length));
  });
}

interface Due {
  readonly fd: number;
  readonly bytes: number;
}

const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);
let due: Due[] = [];

function serveDirectly(accepted: net.Socket): void {
  const handle = (accepted as unknown as { _handle: { fd: number } | null })._handle!;
  (accepted as unknown as { _handle: unknown })._handle = null;
  const requests = new Requests();
  const { fd } = handle;
  const callback = (bytes: number) => {
    if (due.length === 0) setImmediate(sendDue);
    due.push({ fd, bytes: requests.complete(bytes) * REPLY.length });
    return true;
  };
  const onread = { buffer: readBuffer, callback };
  const options = { handle, onread, readable: true, writable: true, manualStart: true };
  const socket = new net.Socket(options as net.SocketConstructorOpts);
  socket.on('error', () => {});
  socket.on('end', () => socket.destroy());
  socket.resume();
  socket.read(0);
}

function sendDue(): void {
  const all = due;
  due = [];
  for (const { fd, bytes } of all) writeSync(fd, replies, 0, bytes, null);
}
