/** INFO: its fields are those of redis-server 7.0.15, its figures are true. */
import { afterEach, describe, expect, it } from 'vitest';
import { Connection } from '../harness/connection.ts';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';

afterEach(closeAll);

/** Fields of 7.0.15 that are missing here, by reason. What is built leaves this list. */
const missing: Readonly<Record<string, string>> = {
  'how redis-server was compiled':
    'redis_git_sha1 redis_git_dirty redis_build_id atomicvar_api gcc_version',
  replication:
    'total_net_repl_input_bytes ' +
    'total_net_repl_output_bytes instantaneous_input_repl_kbps instantaneous_output_repl_kbps ' +
    'slave_expires_tracked_keys unexpected_error_replies',
  eviction: 'total_eviction_exceeded_time current_eviction_exceeded_time',
  MIGRATE: 'migrate_cached_sockets',
  'not counted': 'dump_payload_sanitizations lazyfreed_objects',
};

/** Fields that 7.0.15 does not have. */
const additions = [
  'server_name',
  'respite_version',
  'node_version',
  'expired_subkeys',
  'client_query_buffer_limit_disconnections',
  'client_output_buffer_limit_disconnections',
];

function fieldsOf(info: string): Map<string, string> {
  const lines = info.split('\r\n').filter((line) => line.includes(':') && !line.startsWith('$'));
  return new Map(lines.map((line) => line.split(/:(.*)/s) as [string, string]));
}

async function infoOf(connection: Connection, section = 'everything'): Promise<string> {
  const reply = await connection.call('INFO', section);
  if (!('bytes' in reply)) throw new Error(reply.kind);
  return reply.bytes.toString('latin1');
}

describeWithOracle('INFO next to redis-server', () => {
  it('has its fields, in its order', async () => {
    const oracle = await startOracle();
    const reference = await Connection.open(oracle.port);
    const ours = await Talker.open(await startServer());
    try {
      for (const connection of [reference, ours.connection]) {
        await connection.call('SET', 'k', 'v');
        await connection.call('NOSUCH');
      }
      const known = Object.values(missing).flatMap((names) => names.split(' '));
      const wanted = [...fieldsOf(await infoOf(reference)).keys()];
      const have = [...fieldsOf(await infoOf(ours.connection)).keys()];
      // The harness has sent the reference a PING.
      const isShared = (name: string) => !additions.includes(name) && !name.endsWith('_ping');
      expect(have.filter(isShared)).toEqual(
        wanted.filter((name) => isShared(name) && !known.includes(name)),
      );
      // A field that is there by now must leave the list.
      expect(known.filter((name) => have.includes(name))).toEqual([]);
    } finally {
      await reference.close();
      await oracle.stop();
    }
  });
});

describe('INFO', () => {
  it('counts microseconds, and TIME and MONITOR do', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    const fractions = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const before = Date.now();
      const micros = Number(/server_time_usec:(\d+)/.exec(await client.ask('INFO server'))![1]);
      const after = Date.now();
      expect(Math.floor(micros / 1000)).toBeGreaterThanOrEqual(before);
      expect(Math.floor(micros / 1000)).toBeLessThanOrEqual(after);
      fractions.add(micros % 1000);
      const [, seconds, fraction] = /\$10 (\d+) \$\d+ (\d+)$/.exec(await client.ask('TIME'))!;
      expect(Number(seconds) * 1e6 + Number(fraction)).toBeGreaterThanOrEqual(micros);
      fractions.add(Number(fraction) % 1000);
    }
    expect(fractions.size).toBeGreaterThan(10);
  });

  it('calls a runtime of 50 MB no fragmentation of an empty server', async () => {
    const client = await Talker.open(await startServer());
    const memory = await client.ask('INFO memory');
    const ratio = Number(/mem_fragmentation_ratio:(\S+)/.exec(memory)![1]);
    expect(ratio).toBeGreaterThan(0.3);
    expect(ratio).toBeLessThan(3);
  });

  it('tells the memory of many clients without walking over them', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    const alone = fieldsOf((await client.ask('INFO memory')).replaceAll(' ', '\r\n'));
    const crowd = await Promise.all(
      Array.from({ length: 150 }, () => Connection.open(server.port)),
    );
    while (server.clients.size <= crowd.length) await client.ask('PING');
    let walks = 0;
    const all = server.clients.all.bind(server.clients);
    server.clients.all = () => {
      walks++;
      return all();
    };
    await client.ask('INFO everything');
    expect(walks).toBe(0);
    const crowded = fieldsOf((await client.ask('INFO memory')).replaceAll(' ', '\r\n'));
    const bytes = (fields: Map<string, string>) => Number(fields.get('mem_clients_normal'));
    expect(bytes(crowded)).toBeGreaterThan(bytes(alone) * 100);
    await Promise.all(crowd.map((each) => each.close()));
  });
});
