/**
 * Replicas that mean no good: random bytes, broken requests, wrong numbers, lies about offsets, links
 * that end anywhere. Beside them an honest replica gets every byte, and clients lose nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { atClose, closeAll, startServer, Talker, until } from '../harness/in-process-server.ts';
import { encodeCommand } from '../harness/reply.ts';
import { ScriptedReplica } from '../harness/scripted-replica.ts';
import { SEED } from '../harness/seed.ts';

afterEach(closeAll);

const SESSIONS = process.env['RESPITE_FULL'] === '1' ? 10_000 : 300;
const AT_ONCE = 20;

/** Repeatable numbers in [0, 1). */
function numbersOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function act(random: () => number, replid: string, offset: number): Buffer {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const number = () =>
    pick([
      '0',
      '-1',
      '1',
      String(offset),
      String(offset + 1),
      String(offset + 1e6),
      '9223372036854775807',
      '-9223372036854775808',
      '99999999999999999999',
      '1e3',
      '',
      'x',
    ]);
  const id = () => pick([replid, replid.toUpperCase(), '?', '', '0'.repeat(40), 'x'.repeat(5000)]);
  const words = pick([
    () => ['PSYNC', id(), number()],
    () => ['PSYNC', id(), number(), 'FAILOVER'],
    () => ['PSYNC', '?', '-1'],
    () => ['SYNC'],
    () => ['REPLCONF', 'ACK', number()],
    () => ['REPLCONF', 'ACK', number(), 'FACK', number()],
    () => ['REPLCONF', 'GETACK', '*'],
    () => ['REPLCONF', pick(['listening-port', 'rdb-only', 'capa']), number()],
    () => ['REPLCONF', 'ip-address', 'y'.repeat(Math.floor(random() * 400))],
    () => ['REPLCONF', 'rdb-filter-only', pick(['', 'functions', '"', 'keys'])],
    () => ['REPLCONF', 'capa', 'eof', 'capa', 'psync2'],
    () => ['MONITOR'],
    () => ['SUBSCRIBE', 'c'],
    () => ['MULTI'],
    () => ['SET', 'stolen', '1'],
    () => ['WAIT', '5', '1'],
    () => ['CLIENT', 'REPLY', pick(['OFF', 'SKIP', 'ON'])],
    () => ['RESET'],
  ])();
  const request = encodeCommand(words);
  const form = random();
  if (form < 0.1) return Buffer.from('\n'.repeat(Math.floor(random() * 2000)));
  if (form < 0.2) {
    return Buffer.from(Array.from({ length: 50 }, () => Math.floor(random() * 256)));
  }
  if (form < 0.3) return request.subarray(0, Math.floor(random() * request.length));
  if (form < 0.35) return Buffer.from(`*${number()}\r\n$${number()}\r\n`);
  return request;
}

it(`${SESSIONS} sessions: nothing breaks, nothing is lost`, { timeout: 600_000 }, async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-hostile-'));
  atClose(() => rmSync(dir, { recursive: true, force: true }));
  const server = await startServer({ 'repl-diskless-sync-delay': '0', dir });
  // Pieces of requests may come out as a command in a line: this one would stop the writes.
  server.commands.rename('FAILOVER', '');
  const client = await Talker.open(server);
  await client.ask('SET kept 1');
  const honest = await ScriptedReplica.open(server.port);
  await honest.conf('capa', 'eof', 'capa', 'psync2');
  const [, replid = '', first = ''] = (await honest.psync()).split(' ');
  await honest.rdb();
  honest.acknowledge(Number(first));
  let got = Number(first);
  let writes = 0;
  const random = numbersOf(SEED);
  for (let done = 0; done < SESSIONS; done += AT_ONCE) {
    const sessions = await Promise.all(
      Array.from({ length: AT_ONCE }, () => ScriptedReplica.open(server.port)),
    );
    for (let step = 0; step < 6; step++) {
      for (const session of sessions) {
        if (session.isClosed) continue;
        session.socket.write(act(random, replid, server.replication.offset));
        if (random() < 0.05) session.socket.pause();
        if (random() < 0.1) session.close();
      }
      // Some write only where a replica that lies has not stopped them.
      expect(await client.ask(`SET k${writes % 10} ${writes}`)).toBe('+OK');
      writes++;
    }
    for (const session of sessions) session.close();
    const { offset } = server.replication;
    await honest.take(offset - got);
    got = offset;
    honest.acknowledge(got);
  }
  await until(() => server.replication.replicas.count === 1);
  await until(() => server.replication.replicas.online()[0]?.offset === got);
  expect(honest.isClosed).toBe(false);
  expect(await client.ask('GET kept')).toBe('$1 1');
  expect(await client.ask(`GET k${(writes - 1) % 10}`)).toContain(String(writes - 1));
  await until(() => server.clients.size === 2);
  await client.ask(`SET big ${'v'.repeat(2_000_000)}`);
  await client.ask('SET last 1');
  await honest.take(server.replication.offset - got);
  await until(() => server.replication.memory.buffers < 3 * 1024 * 1024);
});
