/**
 * Histories of concurrent clients of our server are linearizable: GET, SET, INCR, compare-and-set
 * by WATCH, RPUSH and LRANGE, with pauses of clients and server and with connections that end in
 * mid-operation.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAlteringProxy } from '../harness/altering-proxy.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { startRespite } from '../harness/respite.ts';
import { SEED } from '../harness/seed.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { findViolation } from './checker.ts';
import { recordHistory } from './clients.ts';
import { skipUnlessTransactions } from './transactions.ts';

const full = process.env['RESPITE_FULL'] === '1';
const HISTORIES = full ? 1_000 : 12;
const OPERATIONS = full ? 5_000 : 1_000;
const CLIENTS = 20;
const STALL_MS = 5;
/** All histories; the long tier takes some ten minutes on an idle machine. */
const TIMEOUT_MS = full ? 7_200_000 : 30_000;

/** RESPITE_SEED repeats what the clients ask for, though not who comes first. */

/** Stops the process as a busy machine does; what arrives meanwhile waits in its sockets. */
async function stall(server: ServerProcess): Promise<void> {
  process.kill(server.pid, 'SIGSTOP');
  try {
    await new Promise((resolve) => setTimeout(resolve, STALL_MS));
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
}

/** Where all meet, and where a compare-and-set may well succeed. */
const KEYS = [['a'], ['a', 'b', 'list'], ['a', 'b', 'c', 'd', 'e', 'f', 'list']];
const CAS_IN_TEN = [2, 5, 8, 9];

/** The verdict on one history. */
async function judge(
  server: ServerProcess,
  seed: number,
  port = server.port,
): Promise<string | undefined> {
  const history = await recordHistory({
    port,
    seed,
    operations: OPERATIONS,
    clients: CLIENTS,
    keys: KEYS[seed % KEYS.length]!.map((name) => `${name}:${seed}`),
    casInTen: CAS_IN_TEN[seed % CAS_IN_TEN.length]!,
    stall: () => stall(server),
  });
  expect(history.length).toBeGreaterThanOrEqual(OPERATIONS);
  const violation = findViolation(history);
  return violation && `RESPITE_SEED=${seed}: ${violation}`;
}

describe('concurrent clients', () => {
  let server: ServerProcess;

  beforeAll(async () => {
    server = await startRespite();
  });
  afterAll(async () => {
    await server.stop('SIGKILL');
  });

  it(
    `leave ${HISTORIES} linearizable histories of ${OPERATIONS} operations`,
    async (context) => {
      await skipUnlessTransactions(context, server.port);
      for (let i = 0; i < HISTORIES; i++) {
        const violation = await judge(server, SEED + i);
        if (violation !== undefined) expect.fail(`${violation}\n${server.log.slice(-1_500)}`);
      }
    },
    TIMEOUT_MS,
  );

  it('are told from those that now and then get an earlier reply', async (context) => {
    await skipUnlessTransactions(context, server.port);
    const seen: Buffer[] = [];
    await using proxy = await startAlteringProxy(server.port, (reply, { kind }) => {
      if (kind !== 'bulk') return reply;
      seen.push(reply);
      return seen.length % 100 === 0 ? seen[seen.length - 50]! : reply;
    });
    expect(await judge(server, SEED, proxy.port)).toMatch(/no order of the operations explains/);
  });
});

describeWithOracle('concurrent clients of the oracle', () => {
  it('leave linearizable histories, so the test asks for nothing else', async () => {
    await using oracle = await startOracle();
    for (let i = 0; i < 4; i++) expect(await judge(oracle, SEED + i)).toBeUndefined();
  });
});
