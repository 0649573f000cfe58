/**
 * Three real sentinels and three nodes of both kinds: the master is killed while clients write, one
 * of the others takes its place, and the old one comes back as a replica. In the full tier with
 * every kind of master, several times over.
 */
import { Redis } from 'ioredis';
import { createSentinel } from 'redis';
import { afterEach, expect, it } from 'vitest';
import { describeWithOracle } from '../harness/oracle.ts';
import { Sentinel } from '../harness/sentinel.ts';
import { caughtUp, eventually, type Kind, Node, sameData } from '../harness/topology.ts';

const FULL = process.env['RESPITE_FULL'] === '1';
const ROUNDS = FULL ? 6 : 1;

const toClose: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function start(kind: Kind): Promise<Node> {
  const node = await Node.start(kind);
  toClose.push(() => node.close());
  return node;
}

async function watched(kinds: readonly Kind[]): Promise<{ nodes: Node[]; sentinels: Sentinel[] }> {
  const nodes = await Promise.all(kinds.map(start));
  const [master, ...others] = nodes;
  for (const node of others) await node.follow(master);
  for (const node of others) await caughtUp(node, master!);
  const sentinels: Sentinel[] = [];
  for (let i = 0; i < 3; i++) {
    const sentinel = await Sentinel.start(master!.port);
    toClose.push(() => sentinel.close());
    sentinels.push(sentinel);
  }
  await eventually('the sentinels know all', async () => {
    const known = await Promise.all(sentinels.map((sentinel) => sentinel.knows()));
    return known.every(({ replicas, sentinels: more }) => replicas === 2 && more === 2);
  });
  return { nodes, sentinels };
}

/** The node that the sentinels agree on. */
async function masterOf(
  sentinels: readonly Sentinel[],
  nodes: readonly Node[],
): Promise<Node | undefined> {
  const ports = await Promise.all(sentinels.map((sentinel) => sentinel.masterPort()));
  if (!ports.every((port) => port === ports[0])) return undefined;
  return nodes.find(({ port }) => port === ports[0]);
}

/** Sentinels that could not agree, or not reach a node, try again after 8 s. */
const SECOND_ATTEMPT_MS = 45_000;

/** Waits until one of these is the master. */
async function promoted(nodes: readonly Node[]): Promise<void> {
  const someMaster = async () =>
    (await Promise.all(nodes.map((node) => node.info('role')))).includes('master');
  await eventually('one of them is promoted', someMaster, SECOND_ATTEMPT_MS);
}

describeWithOracle('Sentinel', () => {
  const mixes: readonly (readonly Kind[])[] = [
    ['respite', 'redis', 'respite'],
    ['redis', 'respite', 'respite'],
    ['respite', 'respite', 'respite'],
  ];
  for (const mix of FULL ? mixes : mixes.slice(0, 1)) {
    it(`pitfall 26: fails over ${mix.join(', ')}; ioredis and node-redis go on`, {
      timeout: 120_000 * ROUNDS,
    }, async () => {
      const { nodes, sentinels } = await watched(mix);
      const addresses = sentinels.map(({ port }) => ({ host: '127.0.0.1', port }));
      const one = new Redis({
        sentinels: addresses,
        name: 'set',
        retryStrategy: () => 50,
        sentinelRetryStrategy: () => 50,
      });
      one.on('error', () => {});
      toClose.push(async () => one.disconnect());
      const two = createSentinel({
        name: 'set',
        sentinelRootNodes: addresses,
        scanInterval: 200,
        maxCommandRediscovers: 1000,
      });
      two.on('error', () => {});
      await two.connect();
      toClose.push(async () => two.destroy());
      for (let round = 0; round < ROUNDS; round++) {
        const old = await masterOf(sentinels, nodes);
        expect(await one.set('one', String(round))).toBe('OK');
        await two.set('two', String(round));
        await old!.end();
        await Promise.all(sentinels.map((sentinel) => sentinel.watch(true)));
        await promoted(nodes.filter((node) => node !== old));
        await Promise.all(sentinels.map((sentinel) => sentinel.watch(false)));
        await eventually('another master', async () => {
          const now = await masterOf(sentinels, nodes);
          return now !== undefined && now !== old;
        });
        const master = (await masterOf(sentinels, nodes))!;
        await eventually('it says so', async () => (await master.info('role')) === 'master');
        // Both clients find it by themselves.
        await eventually('ioredis goes on', async () => (await one.set('one', 'after')) === 'OK');
        await eventually(
          'node-redis goes on',
          async () => (await two.set('two', 'after')) === 'OK',
        );
        // It comes back after four of the sentinels' greetings, which takes its time.
        if (FULL) await old!.again();
        for (const node of nodes) {
          if (node === master || (node === old && !FULL)) continue;
          await eventually(
            `${node.name} follows`,
            async () => (await node.info('master_port')) === String(master.port),
            SECOND_ATTEMPT_MS,
          );
          await caughtUp(node, master);
        }
        await sameData(...nodes.filter((node) => FULL || node !== old));
        expect(await master.say('MGET one two')).toBe('1) "after"\n2) "after"');
      }
    });
  }
});
