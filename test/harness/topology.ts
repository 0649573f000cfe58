/**
 * Servers of both kinds as processes, masters and replicas of each other.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { effectSteps } from '../differential/generator-effects.ts';
import { Connection } from './connection.ts';
import { format } from './reply.ts';
import { respiteFile } from './respite.ts';
import { freePort, ServerProcess } from './server-process.ts';

export type Kind = 'respite' | 'redis';

/** What every node starts with, so that tests wait for nothing. */
const QUICK = ['repl-diskless-sync-delay 0', 'enable-debug-command yes', 'save ""'];
const WAIT_MS = 20_000;

/** A server that can be ended and started again, with its own file of directives. */
export class Node {
  readonly kind: Kind;
  readonly port: number;
  readonly dir: string;
  process: ServerProcess;
  password = '';
  private connection: Connection | undefined;

  private constructor(kind: Kind, port: number, dir: string, process: ServerProcess) {
    this.kind = kind;
    this.port = port;
    this.dir = dir;
    this.process = process;
  }

  static async start(kind: Kind, directives: readonly string[] = []): Promise<Node> {
    const port = await freePort();
    const dir = mkdtempSync(path.join(tmpdir(), `respite-node-${kind}-`));
    const lines = [`port ${port}`, `dir ${dir}`, ...QUICK, ...directives];
    writeFileSync(path.join(dir, 'node.conf'), `${lines.join('\n')}\n`);
    return new Node(kind, port, dir, await launch(kind, port, dir));
  }

  get name(): string {
    return `${this.kind}:${this.port}`;
  }

  /** Sends a command; the reply as redis-cli prints it. */
  async ask(...words: (string | Buffer)[]): Promise<string> {
    return format(await (await this.observer()).call(...words));
  }

  /** As `ask`, in words between blanks. */
  say(line: string): Promise<string> {
    return this.ask(...line.split(' '));
  }

  /** A field of INFO. */
  async info(field: string): Promise<string> {
    const text = await (await this.observer()).text('INFO', 'everything');
    return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? '';
  }

  async connect(): Promise<Connection> {
    const connection = await Connection.open(this.port);
    if (this.password !== '') await connection.call('AUTH', this.password);
    return connection;
  }

  private async observer(): Promise<Connection> {
    if (this.connection?.isOpen !== true) this.connection = await this.connect();
    return this.connection;
  }

  /** Follows another node, or nobody. */
  follow(master: Node | undefined): Promise<string> {
    if (master === undefined) return this.say('REPLICAOF NO ONE');
    return this.say(`REPLICAOF 127.0.0.1 ${master.port}`);
  }

  /** Ends the process, and keeps its files. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.connection?.close();
    this.connection = undefined;
    await this.process.stop(signal);
  }

  /** Starts it again where it was. */
  async again(): Promise<void> {
    this.process = await launch(this.kind, this.port, this.dir);
  }

  async close(): Promise<void> {
    await this.end();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function launch(kind: Kind, port: number, dir: string): Promise<ServerProcess> {
  const conf = path.join(dir, 'node.conf');
  const redis = process.env['REDIS_SERVER'] ?? 'redis-server';
  return ServerProcess.start({
    name: kind,
    command: kind === 'redis' ? redis : process.execPath,
    commandArgs: kind === 'redis' ? [conf] : [respiteFile, conf],
    home: { port, dir },
  });
}

/** Waits until a condition holds. */
export async function eventually(
  what: string,
  condition: () => Promise<boolean>,
  waitMs = WAIT_MS,
): Promise<void> {
  const deadline = Date.now() + waitMs;
  let last: unknown;
  for (;;) {
    try {
      if (await condition()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${waitMs} ms ${last ?? ''}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until a replica has all of its master's stream. */
export async function caughtUp(replica: Node, master: Node): Promise<void> {
  await eventually(`${replica.name} has what ${master.name} has`, async () => {
    if ((await replica.info('master_link_status')) !== 'up') return false;
    if ((await replica.info('master_port')) !== String(master.port)) return false;
    const offset = await master.info('master_repl_offset');
    return (await replica.info('slave_repl_offset')) === offset;
  });
}

/** Waits until nodes hold the same; keys that are about to expire may differ for a moment. */
export async function sameData(...nodes: Node[]): Promise<void> {
  let seen: string[] = [];
  const all = async (line: string) => {
    seen = await Promise.all(nodes.map((node) => node.say(line)));
    return seen.every((text) => text === seen[0]);
  };
  try {
    await eventually('the same data', () => all('DEBUG DIGEST'), 8000);
    await eventually('the same libraries', () => all('FUNCTION DUMP'), 2000);
  } catch (error) {
    throw new Error(`${error} ${nodes.map((n) => n.name).join(' ')}: ${seen.join(' ')}`);
  }
}

/** Random commands of all types that 7.0.15 knows, transactions among them. */
export function randomCommands(seed: number, count: number): string[][] {
  const found: string[][] = [];
  for (let i = 0; found.length < count; i++) {
    const [steps = []] = fc.sample(effectSteps(false, 100), { seed: seed + i, numRuns: 1 });
    for (const { commands } of steps) {
      if (commands.length === 1) found.push([...commands[0]!]);
      else found.push(['MULTI'], ...commands.map((argv) => [...argv]), ['EXEC']);
    }
  }
  return found;
}

/** Has a node run commands, some at a time; errors are theirs. */
export async function run(node: Node, commands: readonly (readonly string[])[]): Promise<void> {
  const connection = await node.connect();
  for (let from = 0; from < commands.length; from += 50) {
    const batch = commands.slice(from, from + 50);
    for (const argv of batch) connection.send(...argv);
    for (const _ of batch) await connection.receive();
  }
  connection.close();
}

/** The servers of the present test. */
export const nodes: Node[] = [];

/** Starts one of them. */
export async function startNode(kind: Kind, ...directives: string[]): Promise<Node> {
  const node = await Node.start(kind, directives);
  nodes.push(node);
  return node;
}

/** Ends them all; for `afterEach`. */
export async function closeNodes(): Promise<void> {
  for (const node of nodes.splice(0)) await node.close();
}
