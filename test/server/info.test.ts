/** INFO: its fields are those of redis-server 7.0.15, its figures are true. */
import { afterEach, describe, expect, it } from 'vitest';
import { Connection } from '../harness/connection.ts';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';

afterEach(closeAll);

/** Fields of 7.0.15 that are missing here, by reason. What is built leaves this list. */
const missing: Readonly<Record<string, string>> = {
  'how redis-server was compiled': 'redis_build_id atomicvar_api gcc_version',
  replication: 'slave_expires_tracked_keys',
  'not counted': 'dump_payload_sanitizations',
};

/** Fields that 7.0.15 does not have. */
const additions = [
  'acl_access_denied_auth',
  'acl_access_denied_channel',
  'acl_access_denied_cmd',
  'acl_access_denied_key',
  'acl_access_denied_tls_cert',
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
      const isShared = (name: string) =>
        !additions.includes(name) && !name.endsWith('_ping') && !/^(event_loop|gc|v8)_/.test(name);
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

/** What kind of value a field has: a number, a size for people, a word. */
function kindOf(value: string): string {
  return value
    .replaceAll(/-?\d+\.\d+/g, 'F')
    .replaceAll(/-?\d+/g, 'N')
    .replace(/^[FN][BKMG]$/, 'size')
    .replace(/^[0-9a-fFN]{3,}$/, 'hex');
}

/** Counters that the same commands must bring to the same value. */
const exact = [
  'connected_clients blocked_clients tracking_clients total_connections_received',
  'total_commands_processed rejected_connections expired_keys evicted_keys keyspace_hits',
  'keyspace_misses pubsub_channels pubsub_patterns total_error_replies errorstat_ERR',
  'errorstat_WRONGTYPE rdb_changes_since_last_save rdb_bgsave_in_progress aof_enabled loading',
  'number_of_cached_scripts number_of_libraries role connected_slaves maxmemory databases',
].flatMap((line) => line.split(' '));

describeWithOracle('figures of INFO next to those of redis-server', () => {
  it('are of the same kind, and the same where commands make them', async () => {
    const oracle = await startOracle();
    const server = await startServer({ 'enable-debug-command': 'yes' });
    const texts: Map<string, string>[] = [];
    try {
      for (const port of [oracle.port, server.port]) {
        const client = await Connection.open(port);
        for (const line of workload) {
          client.send(...line.split(' '));
          await client.receive();
        }
        texts.push(fieldsOf(await infoOf(client)));
        await client.close();
      }
      const [theirs, ours] = texts as [Map<string, string>, Map<string, string>];
      const other =
        /^(redis_version|os|multiplexing_api|monotonic_clock|executable|mem_allocator)$/;
      const kinds = (from: Map<string, string>) =>
        Object.fromEntries(
          [...from]
            .filter(([name]) => theirs.has(name) && ours.has(name) && !other.test(name))
            .map(([name, value]) => [name, kindOf(value)]),
        );
      expect(kinds(ours)).toEqual(kinds(theirs));
      for (const name of exact) {
        // The harness has sent the reference a PING over a connection of its own.
        const slack = /^total_(connections|commands)/.test(name) ? 1 : 0;
        const [a, b] = [theirs.get(name), ours.get(name)];
        if (slack === 0) expect([name, b]).toEqual([name, a]);
        else expect(Number(a) - Number(b), name).toBeLessThanOrEqual(slack);
      }
      const calls = (from: Map<string, string>) =>
        [...from]
          .filter(([name]) => name.startsWith('cmdstat_') && !name.endsWith('_ping'))
          .map(([name, value]) => `${name} ${value.replaceAll(/usec\w*=[\d.]+,/g, '')}`)
          .sort();
      expect(calls(ours)).toEqual(calls(theirs));
    } finally {
      await oracle.stop();
    }
  });
});

const workload = [
  'SET k v',
  'GET k',
  'GET none',
  'LPUSH k x',
  'GET',
  'NOSUCH',
  'RPUSH l a b c',
  'BLPOP l 0',
  'INCR k',
  'SET gone v PX 1',
  // Whoever finds it, it has expired now.
  'DEBUG SLEEP 0.005',
  'GET gone',
  'SADD s a b',
  'MULTI',
  'INCR n',
  'GET k',
  'EXEC',
  'EVAL return{redis.call("get","k"),redis.call("get","none")} 0',
  'EXPIRE k 1000',
  'CONFIG GET maxmemory',
  'CLIENT ID',
  'DEL l',
];

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
