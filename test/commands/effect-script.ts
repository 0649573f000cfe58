/**
 * Scripts of what commands put into the journal. A line that begins with a client's letter is a
 * command of that client (`A!`: it has to wait); indented lines after it are the command lines
 * that it, and whom it wakes, must put there. `#` begins a comment.
 *
 * The same script runs on this server, whose journal is read in process, and on redis-server, whose
 * append-only file is; a line after `+ ` is only expected here, one after `- ` only there. Times and randomly chosen members (`m1`, `m2` ...) are not compared.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { EffectUnit } from '../../src/keyspace/journal.ts';
import type { Server } from '../../src/server/server.ts';
import { Connection } from '../harness/connection.ts';
import type { InProcess } from '../harness/in-process.ts';
import { decode } from '../harness/reply.ts';
import type { ServerProcess } from '../harness/server-process.ts';

export interface EffectStep {
  readonly client: string;
  readonly waits: boolean;
  readonly command: string;
  readonly lines: readonly string[];
}

/** Reads a script. */
export function parseEffects(text: string): EffectStep[] {
  const steps: (EffectStep & { lines: string[] })[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    if (line.startsWith(' ')) {
      steps.at(-1)!.lines.push(line.trim());
      continue;
    }
    const [, client, mark, command] = /^(\w)(!?) (.*)$/.exec(line)!;
    steps.push({ client: client!, waits: mark === '!', command: command!, lines: [] });
  }
  return steps;
}

/** Where a script runs: a port, and the lines that have come since the last call. */
export interface EffectTarget {
  readonly port: number;
  take(): string[];
}

/** Runs a script; returns it with the lines that came. */
export async function runEffects(
  target: EffectTarget,
  steps: readonly EffectStep[],
): Promise<string> {
  const clients = new Map<string, Connection>();
  const control = await Connection.open(target.port);
  let waiting = 0;
  const out: string[] = [];
  try {
    await control.call('FLUSHALL');
    target.take();
    for (const { client, waits, command } of steps) {
      let connection = clients.get(client);
      if (connection === undefined) {
        connection = await Connection.open(target.port);
        clients.set(client, connection);
      }
      connection.send(...words(command));
      if (waits) await blockedClients(control, ++waiting);
      else await connection.receive();
      waiting = await blockedClients(control);
      out.push(`${client}${waits ? '!' : ''} ${command}`, ...target.take().map((l) => `  ${l}`));
    }
  } finally {
    for (const connection of [control, ...clients.values()]) connection.close();
  }
  return out.join('\n');
}

/**
 * A script as text, as `runEffects` returns it, with the lines that only one side has: those marked
 * `+`, which are this server's, or those marked `-`, which are redis-server's.
 */
export function effectsText(steps: readonly EffectStep[], side: '+' | '-'): string {
  const other = side === '+' ? '- ' : '+ ';
  const lines = steps.flatMap(({ client, waits, command, lines }) => [
    `${client}${waits ? '!' : ''} ${command}`,
    ...lines
      .filter((line) => !line.startsWith(other))
      .map((line) => `  ${line.startsWith(side) ? line.slice(2) : line}`),
  ]);
  return lines.join('\n');
}

/** The number of blocked clients; waits until it is `wanted`, if given. */
async function blockedClients(control: Connection, wanted?: number): Promise<number> {
  for (;;) {
    const info = await control.text('INFO', 'clients');
    const count = Number(/blocked_clients:(\d+)/.exec(info)![1]);
    if (wanted === undefined || count === wanted) return count;
  }
}

function words(command: string): string[] {
  return command.split(' ').map((word) => (word === '""' ? '' : word));
}

function word(arg: string): string {
  if (arg === '') return '""';
  return /[^ -~]/.test(arg) ? Buffer.from(arg, 'latin1').toString('hex') : arg;
}

function lineText(args: readonly string[]): string {
  const text = args.map(word).join(' ');
  const timeless = text.replaceAll(
    /\b1\d{12}\b(-\d+)?/g,
    (_, seq) => `<ms>${seq === undefined ? '' : '-n'}`,
  );
  return /^SREM /i.test(timeless) ? timeless.replaceAll(/\bm\d+\b/g, 'm?') : timeless;
}

/** Has all that a server does done by another one, too. */
export function copyEffects(from: Server, to: InProcess): void {
  from.keyspace.changes.journal.add({
    unit: (effects) => {
      for (let i = 0; i < effects.count; i++) {
        const args = argumentsOf(effects, i);
        const reply = to.call(...args.map((arg) => Buffer.from(arg, 'latin1')));
        if (reply.kind === 'error') throw new Error(`${args.join(' ')}: ${reply.bytes}`);
      }
    },
  });
}

/** The journal of a server in this process. */
export function journalOf(server: Server): EffectTarget {
  let lines: string[] = [];
  const unit = (effects: EffectUnit) => {
    if (effects.isAtomic) lines.push('MULTI');
    for (let i = 0; i < effects.count; i++) lines.push(lineText(argumentsOf(effects, i)));
    if (effects.isAtomic) lines.push('EXEC');
  };
  server.keyspace.changes.journal.add({ unit });
  return {
    port: server.port,
    take: () => {
      const taken = lines;
      lines = [];
      return taken;
    },
  };
}

function argumentsOf(unit: EffectUnit, i: number): string[] {
  const bulks = unit.buf.subarray(unit.start(i), unit.start(i + 1));
  return readCommands(Buffer.concat([Buffer.from(`*${unit.argc(i)}\r\n`), bulks]))[0]!;
}

/** The append-only file of a redis-server that was started with `--appendonly yes`. */
export function appendOnlyFileOf(server: ServerProcess): EffectTarget {
  const file = path.join(server.dir, 'appendonlydir', 'appendonly.aof.1.incr.aof');
  let read = 0;
  return {
    port: server.port,
    take: () => {
      const bytes = readFileSync(file).subarray(read);
      read += bytes.length;
      return readCommands(bytes)
        .filter(([name]) => name !== 'SELECT')
        .map(lineText);
    },
  };
}

function readCommands(bytes: Buffer): string[][] {
  const commands: string[][] = [];
  for (let at = 0; at < bytes.length; ) {
    const { reply, end } = decode(bytes, at)!;
    at = end;
    if (reply.kind !== 'array') throw new Error('not a command');
    commands.push(
      reply.items.map((item) => ('bytes' in item ? item.bytes.toString('latin1') : '')),
    );
  }
  return commands;
}
