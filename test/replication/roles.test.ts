/**
 * What a replica answers to clients, compared with a replica of redis-server's kind beside it; and
 * what changes when the role does.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { Certificates } from '../harness/certificates.ts';
import { describeWithOracle } from '../harness/oracle.ts';
import { freePort } from '../harness/server-process.ts';
import {
  caughtUp,
  closeNodes,
  eventually,
  type Node,
  sameData,
  startNode as start,
} from '../harness/topology.ts';

const certificates = new Certificates();

afterEach(closeNodes);
afterAll(() => certificates.remove());

/** A master and a replica of each kind. */
async function trio(...directives: string[]): Promise<[master: Node, ours: Node, theirs: Node]> {
  const master = await start('redis');
  const follow = [`replicaof 127.0.0.1 ${master.port}`, ...directives];
  const [ours, theirs] = [await start('respite', ...follow), await start('redis', ...follow)];
  await caughtUp(ours, master);
  await caughtUp(theirs, master);
  return [master, ours, theirs];
}

/** Sends commands to both, words between blanks or given one by one; all replies are equal. */
async function agree(
  ours: Node,
  theirs: Node,
  commands: readonly (string | string[])[],
): Promise<void> {
  for (const command of commands) {
    const words = typeof command === 'string' ? command.split(' ') : command;
    expect(await ours.ask(...words), words.join(' ')).toBe(await theirs.ask(...words));
  }
}

const writing = '#!lua\nreturn redis.call("set", KEYS[1], "1")';
const reading = '#!lua flags=no-writes\nreturn redis.call("get", KEYS[1])';
const stale = '#!lua flags=allow-stale,no-writes\nreturn 7';

/** Commands whose replies a role decides. */
const commands: readonly (string | string[])[] = [
  'SET a b',
  'GET seen',
  'FLUSHALL',
  'PFADD h a',
  'PUBLISH c m',
  'MULTI',
  'SET a b',
  'GET seen',
  'EXEC',
  'MULTI',
  'GET seen',
  'EXEC',
  'BLPOP none 0',
  ['EVAL', 'return redis.call("set", KEYS[1], "1")', '1', 'a'],
  ['EVAL', 'return redis.pcall("set", KEYS[1], "1")', '1', 'a'],
  ['EVAL', 'return redis.call("get", KEYS[1])', '1', 'seen'],
  ['EVAL_RO', 'return redis.call("get", KEYS[1])', '1', 'seen'],
  ['EVAL', writing, '1', 'a'],
  ['EVAL', reading, '1', 'seen'],
  ['EVAL', stale, '0'],
  'FCALL f 1 a',
  'FCALL_RO g 1 seen',
  'FUNCTION FLUSH',
  'PING',
  'ECHO x',
  'SELECT 1',
  'SELECT 0',
  'TTL gone',
  'EXISTS gone',
  'GET gone',
  'DBSIZE',
  'RANDOMKEY',
  'SCAN 0 COUNT 100',
  'KEYS *',
  'TYPE gone',
  'OBJECT ENCODING gone',
  'WAIT 1 10',
  'REPLICAOF a',
  'REPLICAOF h notanumber',
  'REPLICAOF h 70000',
  'FAILOVER',
  'PSYNC x 1 FAILOVER',
  'CONFIG GET slaveof',
  'CLIENT KILL TYPE master SKIPME no',
];

const library =
  '#!lua name=lib\nredis.register_function("f", function(k) return redis.call("INCR", k[1]) end)\n' +
  'redis.register_function{function_name="g", callback=function(k) return redis.call("GET", k[1]) end, flags={"no-writes"}}';

describeWithOracle('a replica answers', () => {
  it('as one of redis-server does, while its link is up', async () => {
    const [master, ours, theirs] = await trio();
    await master.say('DEBUG SET-ACTIVE-EXPIRE 0');
    await master.say('SET seen yes');
    await master.say('SET gone 1 PX 1');
    await master.ask('FUNCTION', 'LOAD', library);
    await caughtUp(ours, master);
    await caughtUp(theirs, master);
    // The one that is alone is found, not the one that has expired.
    await agree(
      ours,
      theirs,
      commands.filter((command) => !/^(SCAN|KEYS)/.test(String(command))),
    );
    expect(await ours.say('KEYS *')).toBe('1) "seen"');
  });

  it('as one of redis-server does, while its link is down and old data may not be served', async () => {
    const [master, ours, theirs] = await trio('replica-serve-stale-data no');
    await master.say('SET seen yes');
    await master.ask('FUNCTION', 'LOAD', library);
    await caughtUp(ours, master);
    await caughtUp(theirs, master);
    await master.end();
    for (const node of [ours, theirs]) {
      await eventually(
        'the link is down',
        async () => (await node.info('master_link_status')) === 'down',
      );
    }
    await agree(
      ours,
      theirs,
      commands.filter((command) => !/^(CLIENT|REPLICAOF|FAILOVER)/.test(String(command))),
    );
  });

  it('INFO and ROLE in the same form', async () => {
    const [master, ours, theirs] = await trio('replica-priority 7', 'replica-announced no');
    const shape = async (node: Node) =>
      (await node.ask('INFO', 'replication'))
        .split(/\\r\\n|\r\n/)
        .map((line) =>
          line.replace(/(seconds_ago|lag):\d+/, '$1:n').replace(/(backlog\w*|offset):\d+/, '$1:n'),
        )
        .join('\n');
    expect(await shape(ours)).toBe(await shape(theirs));
    expect(await ours.say('ROLE')).toBe(await theirs.say('ROLE'));
    const hello = (node: Node) => node.say('HELLO 2');
    expect(await hello(ours)).toContain('"role"\n12) "replica"');
    expect(await hello(theirs)).toContain('"role"\n12) "replica"');
    await master.end();
    for (const node of [ours, theirs]) {
      await eventually(
        'it is down',
        async () => (await node.info('master_link_status')) === 'down',
      );
      await eventually('it tries', async () => (await node.say('ROLE')).includes('connect'));
    }
    const lines = async (node: Node) =>
      (await shape(node)).replace(/since_seconds:-?\d+/, 'since_seconds:n');
    expect(await lines(ours)).toBe(await lines(theirs));
  });

  it('writes, where it may be written to, until its master says otherwise', async () => {
    const [master, ours, theirs] = await trio('replica-read-only no');
    await agree(ours, theirs, ['SET own 1', 'GET own', 'SET brief 1 PX 20', 'LPUSH l a']);
    await master.say('SET own master');
    await master.say('LPUSH l b');
    await caughtUp(ours, master);
    await caughtUp(theirs, master);
    await agree(ours, theirs, ['GET own', 'LRANGE l 0 -1']);
    // What was given a time here expires here.
    await eventually('it expires', async () => (await ours.say('DBSIZE')) === '(integer) 2');
    // Nothing of it goes to those who follow.
    const below = await start('redis', `replicaof 127.0.0.1 ${ours.port}`);
    await caughtUp(below, ours);
    await ours.say('SET local 1');
    await master.say('SET last 1');
    await caughtUp(ours, master);
    await caughtUp(below, ours);
    expect(await below.say('MGET local last')).toBe('1) (nil)\n2) "1"');
  });
});

describeWithOracle('a change of roles', () => {
  it('sends away who waits for a key', async () => {
    const master = await start('redis');
    for (const kind of ['respite', 'redis'] as const) {
      const node = await start(kind);
      const waiting = await node.connect();
      waiting.send('BLPOP', 'none', '0');
      await eventually('it waits', async () => (await node.info('blocked_clients')) === '1');
      await node.follow(master);
      const { bytes } = await waiting.receive();
      expect(bytes.toString()).toBe(
        '-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)\r\n',
      );
      await waiting.closed();
    }
  });

  it('is written by CONFIG REWRITE, and read at the next start', async () => {
    const master = await start('redis');
    const node = await start('respite');
    expect(await node.follow(master)).toBe('OK');
    expect(await node.follow(master)).toBe('OK Already connected to specified master');
    await node.say('CONFIG REWRITE');
    const file = path.join(node.dir, 'node.conf');
    expect(readFileSync(file, 'utf8')).toContain(`\nreplicaof 127.0.0.1 ${master.port}\n`);
    await node.end();
    await node.again();
    await caughtUp(node, master);
    await node.follow(undefined);
    await node.say('CONFIG REWRITE');
    expect(readFileSync(file, 'utf8')).not.toContain('replicaof');
    expect(await node.say('CONFIG SET replicaof x')).toContain('immutable');
  });

  it('works inside of a transaction with what Sentinel puts there, and spares the caller', async () => {
    const master = await start('redis');
    const node = await start('respite', `replicaof 127.0.0.1 ${master.port}`);
    await caughtUp(node, master);
    const other = await node.connect();
    const replies: string[] = [];
    for (const line of [
      'MULTI',
      'SLAVEOF NO ONE',
      'CONFIG REWRITE',
      'CLIENT KILL TYPE normal',
      'CLIENT KILL TYPE pubsub',
      'EXEC',
    ]) {
      replies.push(await node.say(line));
    }
    expect(replies.at(-1)).toBe('1) OK\n2) OK\n3) (integer) 1\n4) (integer) 0');
    await other.closed();
    expect(await node.info('role')).toBe('master');
  });

  it('pitfall 9: a promoted replica keeps its backlog for repl-backlog-ttl from then on', async () => {
    const master = await start('redis');
    const [first, second] = [
      await start('respite', 'repl-backlog-ttl 2', `replicaof 127.0.0.1 ${master.port}`),
      await start('respite', `replicaof 127.0.0.1 ${master.port}`),
    ];
    await caughtUp(first, master);
    await caughtUp(second, master);
    // Longer than the time to live: nobody has ever followed the first one.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await first.follow(undefined);
    await first.say('SET a 1');
    await second.follow(first);
    await caughtUp(second, first);
    expect(await first.info('sync_full')).toBe('0');
    expect(await first.info('sync_partial_ok')).toBe('1');
  });

  it('pitfall 12, 13: a load that takes longer than repl-timeout is no reason to hang up', async () => {
    const master = await start('respite', 'repl-timeout 2');
    await master.say('DEBUG POPULATE 20000 key 100');
    const replica = await start('respite', 'repl-timeout 2', 'key-load-delay 200');
    await replica.follow(master);
    await caughtUp(replica, master);
    expect(await master.info('sync_full')).toBe('1');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await caughtUp(replica, master);
    expect(await master.info('sync_full')).toBe('1');
  });

  it('pitfall 28: REPLICAOF NO ONE answers at once while a connection is being made', async () => {
    const node = await start('respite', 'replicaof 192.0.2.1 6379');
    await eventually('it tries', async () => (await node.say('ROLE')).includes('connect'));
    const startMs = Date.now();
    expect(await node.follow(undefined)).toBe('OK');
    expect(await node.info('role')).toBe('master');
    expect(Date.now() - startMs).toBeLessThan(1000);
  });

  for (const [kind, other] of [
    ['redis', 'respite'],
    ['respite', 'redis'],
  ] as const) {
    it(`${other} follows ${kind} over TLS`, async () => {
      const pair = certificates.signed(kind, '/O=respite tests/CN=localhost');
      const tls = async () => [
        `tls-port ${await freePort()}`,
        `tls-cert-file ${pair.cert}`,
        `tls-key-file ${pair.key}`,
        `tls-ca-cert-file ${certificates.ca}`,
        'tls-replication yes',
      ];
      const directives = await tls();
      const master = await start(kind, ...directives);
      await master.say('DEBUG POPULATE 3000 key 200');
      const port = directives[0]!.split(' ')[1]!;
      const replica = await start(other, ...(await tls()));
      await replica.say(`REPLICAOF 127.0.0.1 ${port}`);
      await eventually(
        'the link is up',
        async () => (await replica.info('master_link_status')) === 'up',
      );
      await master.say('SET last 1');
      await eventually(
        'it gets what is written',
        async () => (await replica.say('GET last')) === '"1"',
      );
      await sameData(master, replica);
      const tlsPort = (await replica.say('CONFIG GET tls-port')).match(/"(\d+)"$/)![1]!;
      expect(await master.info('slave0')).toContain(`port=${tlsPort}`);
    });
  }
});
