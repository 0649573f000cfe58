/**
 * Servers inside the test and clients that speak in lines: what a command is answered is one text,
 * its line ends shown as blanks.
 */
import { Config } from '../../src/config/config.ts';
import { Server, type ServerHooks } from '../../src/server/server.ts';
import { Connection } from '../harness/connection.ts';

const open: (() => unknown)[] = [];

/** Ends all servers and clients; for `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const close of open.splice(0).reverse()) await close();
}

/** A server on a free port, with these directives. */
export async function startServer(
  directives: Readonly<Record<string, string>> = {},
  hooks: ServerHooks = {},
): Promise<Server> {
  const config = new Config();
  config.loadPairs([['bind', '127.0.0.1'], ['port', '0'], ...Object.entries(directives)]);
  const server = new Server(config, { log: () => {}, ...hooks });
  server.anyPort = true;
  await server.listen();
  open.push(() => server.close());
  return server;
}

export class Talker {
  readonly connection: Connection;

  private constructor(connection: Connection) {
    this.connection = connection;
  }

  static async open(server: Server): Promise<Talker> {
    const connection = await Connection.open(server.port);
    open.push(() => connection.close());
    return new Talker(connection);
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
    const { bytes } = await this.connection.receive();
    return bytes.toString('latin1').trimEnd().replaceAll('\r\n', ' ');
  }

  /** The next `count` of them. */
  async take(count: number): Promise<string[]> {
    const out: string[] = [];
    while (out.length < count) out.push(await this.next());
    return out;
  }
}

/** Resolves once the condition holds; a vitest timeout is the failure. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
