/**
 * The cases of docs/security.md that are one connection's: each is tried here and on redis-server.
 * After each, others are served, and no JavaScript object is another than before.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import { splitWords } from '../../src/util/words.ts';
import { Connection } from '../harness/connection.ts';
import { closeAll, startServer } from '../harness/in-process-server.ts';
import { oracleProblem, startOracle } from '../harness/oracle.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { type Case, cases } from './cases.ts';

const PASSWORD = 'open sesame';

let open: Server;
let locked: Server;
let oracle: ServerProcess | undefined;
let lockedOracle: ServerProcess | undefined;

beforeAll(async () => {
  open = await startServer();
  locked = await startServer({ requirepass: PASSWORD });
  if (oracleProblem !== undefined) return;
  const noDebug = ['--enable-debug-command', 'no', '--save', ''];
  oracle = await startOracle(noDebug);
  lockedOracle = await startOracle(noDebug);
  const connection = await lockedOracle.connect();
  await connection.call('CONFIG', 'SET', 'requirepass', PASSWORD);
  connection.close();
});
afterAll(async () => {
  await closeAll();
  await oracle?.stop();
  await lockedOracle?.stop('SIGKILL');
});

/** A reply in one line; what a script's digest is does not count. */
function shown(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(/\r\n$/, '')
    .replaceAll('\r\n', ' ')
    .replace(/script: [0-9a-f]{40}/, 'script: *');
}

/** Takes the steps on a connection of their own; what comes after the last one. */
async function outcome(port: number, { steps }: Case, pass?: string): Promise<string> {
  const connection = await Connection.open(port);
  const witness = await Connection.open(port);
  try {
    if (pass === undefined) await witness.call('FLUSHALL');
    else await witness.call('AUTH', pass);
    for (const step of steps.slice(0, -1)) {
      send(connection, step);
      await connection.receive();
    }
    send(connection, steps.at(-1)!);
    return await whatComes(connection, witness);
  } finally {
    connection.close();
    witness.close();
  }
}

function send(connection: Connection, step: string | Buffer): void {
  if (typeof step === 'string')
    connection.send(...splitWords(step)!.map((w) => Buffer.from(w, 'latin1')));
  else connection.write(step);
}

/** The reply and the end of the connection, whichever come while another client is served twice. */
async function whatComes(connection: Connection, witness: Connection): Promise<string> {
  const found: string[] = [];
  for (let turn = 0; turn < 3; turn++) {
    while (connection.hasReply) found.push(shown((await connection.receive()).bytes));
    if (!connection.isOpen) break;
    await witness.call('PING');
    // Long replies come in pieces, and an end comes after what was said before it.
    await new Promise((resolve) => setTimeout(resolve, found.length === 0 ? 3 : 1));
  }
  if (!connection.isOpen) found.push('closed');
  return found.length === 0 ? 'waits' : found.join('; ');
}

const names = Object.getOwnPropertyNames(Object.prototype).sort().join();

describe('security', () => {
  it.each(cases.map((one) => [one.id, one.what, one] as const))(
    '%s %s',
    async (_id, _what, one) => {
      const isLocked = one.locked === true;
      const server = isLocked ? locked : open;
      const result = await outcome(server.port, one, isLocked ? PASSWORD : undefined);
      expect(result).toBe(one.outcome);
      expect(Object.getOwnPropertyNames(Object.prototype).sort().join()).toBe(names);
      const reference = isLocked ? lockedOracle : oracle;
      const expected = one.reference ?? one.outcome;
      if (reference === undefined || expected === '') return;
      const theirs = await outcome(reference.port, one, isLocked ? PASSWORD : undefined);
      expect(theirs).toBe(expected);
    },
  );
});
