/**
 * The one way to start a server inside a test, and clients of it: raw connections, or talkers that
 * speak in lines, whose replies are one text with blanks for line ends. What is opened here is ended
 * by `closeAll`, in the reverse order; hand it to `afterEach`, or to `afterAll` where a whole file
 * shares a server.
 */
import { Config } from '../../src/config/config.ts';
import { Server, type ServerHooks } from '../../src/server/server.ts';
import { Connection } from './connection.ts';
import { SilentWrites } from './silent-writes.ts';

const open: (() => unknown)[] = [];
const silentWrites = new SilentWrites();

/** Has `closeAll` call this, too: before what was opened earlier. */
export function atClose(close: () => unknown): void {
  open.push(close);
}

/**
 * Ends all servers and clients; for `afterEach` or `afterAll`. Throws when a command on one of the
 * servers has changed data and told nobody (silent-writes.ts).
 */
export async function closeAll(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close();
  silentWrites.check();
}

/** A server on a free port, with these directives. */
export async function startServer(
  directives: Readonly<Record<string, string>> = {},
  hooks: ServerHooks = {},
): Promise<Server> {
  const config = new Config();
  config.loadPairs([
    ['bind', '127.0.0.1'],
    ['port', '0'],
    ['save', ''],
    ...Object.entries(directives),
  ]);
  const loadsData = directives['dir'] !== undefined;
  const server = new Server(config, {
    log: () => {},
    loadsData,
    unreportedWrite: silentWrites.note,
    ...hooks,
  });
  server.anyPort = true;
  await server.listen();
  open.push(() => server.close());
  return server;
}

/** A client of the server, in this version of the protocol. */
export async function connectTo(server: Server, version: 2 | 3 = 2): Promise<Connection> {
  const connection = await Connection.open(server.port);
  open.push(() => connection.close());
  if (version === 3) await connection.call('HELLO', '3');
  return connection;
}

/** The next replies or messages, as their bytes with blanks for line ends. */
export async function takeReplies(connection: Connection, count: number): Promise<string[]> {
  const out: string[] = [];
  while (out.length < count) {
    const { bytes } = await connection.receive();
    out.push(bytes.toString('latin1').trimEnd().replaceAll('\r\n', ' '));
  }
  return out;
}

export class Talker {
  readonly connection: Connection;

  private constructor(connection: Connection) {
    this.connection = connection;
  }

  static async open(server: Server): Promise<Talker> {
    return new Talker(await connectTo(server));
  }

  /** Sends commands, one a line, their words between blanks. */
  send(...lines: string[]): this {
    for (const line of lines) this.connection.send(...line.split(' '));
    return this;
  }

  /** Sends a command; its reply. */
  async ask(line: string): Promise<string> {
    this.send(line);
    return this.next();
  }

  /** The next reply or message. */
  async next(): Promise<string> {
    return (await this.take(1))[0]!;
  }

  /** The next `count` of them. */
  take(count: number): Promise<string[]> {
    return takeReplies(this.connection, count);
  }
}

/** Resolves once the condition holds; a vitest timeout is the failure. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
