/**
 * Libraries that people use with Redis, from the registry: each runs a short program against
 * redis-server and against respite, and both must print the same. Those that live on Lua (BullMQ,
 * Bull, bee-queue, redlock, rate limiters, socket.io) are in `test/scripting/apps`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer, type RespiteServer } from '../../src/index.ts';
import { startOracle } from '../harness/oracle.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { Project } from './packed.ts';

const full = process.env['RESPITE_FULL'] === '1';
const note = full ? '' : ' [skipped: they come from the registry; RESPITE_FULL=1 runs it]';

const packages = [
  ...['keyv@5', '@keyv/redis@5', 'cacheable@2', 'cache-manager@7', 'connect-redis@9'],
  ...['express@5', 'express-session@1', 'graphql@16', 'graphql-subscriptions@3'],
  ...['graphql-redis-subscriptions@2', 'fastify@5', '@fastify/redis@7', 'ioredis@5'],
  ...['redis@5', 'ioredis6@npm:ioredis@6', 'redis4@npm:redis@4', 'redis6@npm:redis@6'],
];

/** Programs: what each prints is compared. REDIS_URL says where. */
const programs: Readonly<Record<string, string>> = {
  'keyv with @keyv/redis': `
    const { default: Keyv } = await import('keyv');
    const { default: KeyvRedis } = await import('@keyv/redis');
    const keyv = new Keyv({ store: new KeyvRedis(url), namespace: 'n' });
    await keyv.set('a', { b: [1, 2] }, 60_000);
    print(await keyv.get('a'), await keyv.has('a'), await keyv.delete('a'), await keyv.get('a'));
    await keyv.set('x', 1); await keyv.clear(); print(await keyv.get('x'));
    await keyv.disconnect();`,
  cacheable: `
    const { Cacheable } = await import('cacheable');
    const { default: KeyvRedis } = await import('@keyv/redis');
    const cache = new Cacheable({ secondary: new KeyvRedis(url) });
    await cache.set('a', 'v', '1h'); print(await cache.get('a'), await cache.getMany(['a', 'b']));
    await cache.disconnect();`,
  'cache-manager': `
    const { createCache } = await import('cache-manager');
    const { default: KeyvRedis } = await import('@keyv/redis');
    const { default: Keyv } = await import('keyv');
    const cache = createCache({ stores: [new Keyv({ store: new KeyvRedis(url) })] });
    await cache.set('a', 1, 10_000); print(await cache.get('a'), await cache.wrap('w', () => 'made', 5000));
    print(await cache.mget(['a', 'none'])); await cache.del('a'); print(await cache.get('a'));
    await cache.disconnect();`,
  'connect-redis with express-session': `
    const { default: express } = await import('express');
    const { default: session } = await import('express-session');
    const { RedisStore } = await import('connect-redis');
    const { createClient } = await import('redis');
    const client = createClient({ url }); await client.connect();
    const app = express();
    app.use(session({ store: new RedisStore({ client }), secret: 's', resave: false, saveUninitialized: true }));
    app.get('/', (q, r) => { q.session.n = (q.session.n ?? 0) + 1; r.json(q.session.n); });
    const http = app.listen(0, '127.0.0.1'); await new Promise((r) => http.once('listening', r));
    const at = 'http://127.0.0.1:' + http.address().port;
    const first = await fetch(at); print(await first.json());
    const cookie = first.headers.get('set-cookie').split(';')[0];
    print(await (await fetch(at, { headers: { cookie } })).json());
    print((await client.keys('sess:*')).length);
    http.close(); http.closeAllConnections(); client.destroy();`,
  'graphql-redis-subscriptions': `
    const { RedisPubSub } = await import('graphql-redis-subscriptions');
    const { Redis } = await import('ioredis');
    const make = () => new Redis(url);
    const pubsub = new RedisPubSub({ publisher: make(), subscriber: make() });
    const got = new Promise((resolve) => pubsub.subscribe('topic', resolve));
    await new Promise((r) => setTimeout(r, 100));
    await pubsub.publish('topic', { a: 1 }); print(await got); await pubsub.close();`,
  '@fastify/redis': `
    const { default: fastify } = await import('fastify');
    const { default: plugin } = await import('@fastify/redis');
    const app = fastify(); app.register(plugin, { url });
    app.get('/:k', async (q) => ({ n: await app.redis.incr(q.params.k) }));
    await app.ready(); await app.inject('/a'); print((await app.inject('/a')).json());
    await app.close();`,
};

const ioredis = (name: string) => `
  const { Redis } = await import('${name}');
  const redis = new Redis(url);
  print(await redis.set('a', 1, 'EX', 100), await redis.mget('a', 'b'), await redis.ttl('a'));
  print(await redis.pipeline().incr('a').hset('h', { f: 1 }).hgetall('h').exec());
  print(await redis.multi().zadd('z', 1, 'm').zrange('z', 0, -1, 'WITHSCORES').exec());
  print(await redis.xadd('s', '1-1', 'f', 'v'), await redis.xrange('s', '-', '+'));
  const found = []; for await (const keys of redis.scanStream()) found.push(...keys); print(found.sort());
  redis.disconnect();`;
const nodeRedis = (name: string, end: string) => `
  const { createClient } = await import('${name}');
  const client = createClient({ url }); await client.connect();
  print(await client.set('a', '1', { EX: 100 }), await client.mGet(['a', 'b']), await client.ttl('a'));
  print(await client.multi().incr('a').hSet('h', 'f', '1').hGetAll('h').exec());
  print(await client.zAdd('z', { score: 1, value: 'm' }), await client.zRangeWithScores('z', 0, -1));
  print(await client.xAdd('s', '1-1', { f: 'v' }), await client.xRange('s', '-', '+'));
  print(await client.lPush('l', ['x', 'y']), await client.blPop('l', 1));
  await client.${end}();`;
const clients = {
  'ioredis 5': ioredis('ioredis'),
  'ioredis 6': ioredis('ioredis6'),
  'node-redis 4': nodeRedis('redis4', 'disconnect'),
  'node-redis 5': nodeRedis('redis', 'close'),
  'node-redis 6': nodeRedis('redis6', 'close'),
};

describe.skipIf(!full)(`libraries${note}`, () => {
  const project = new Project({ type: 'module' });
  let server: RespiteServer;
  let oracle: ServerProcess;
  beforeAll(async () => {
    project.npm('install', '--prefer-offline', '--legacy-peer-deps', ...packages);
    server = await createServer();
    oracle = await startOracle();
  }, 300_000);
  afterAll(async () => {
    await server?.close();
    await oracle?.stop();
    project.remove();
  });

  async function run(program: string, port: number): Promise<string> {
    const url = `redis://127.0.0.1:${port}`;
    const code = `const url = ${JSON.stringify(url)};
      const print = (...values) => console.log(JSON.stringify(values));
      ${program}`;
    const file = path.join(project.dir, 'program.mjs');
    project.write('program.mjs', code);
    const child = spawn(process.execPath, [file], { cwd: project.dir });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (output += text));
    const timer = setTimeout(() => child.kill(), 20_000);
    const [status] = await once(child, 'close');
    clearTimeout(timer);
    return `${output}${status === 0 ? '' : `exit ${String(status)}`}`;
  }

  it.each(Object.entries({ ...programs, ...clients }))('%s', async (_, program) => {
    await server.reset();
    const expected = await run(program, oracle.port);
    const got = await run(program, server.port);
    expect(expected).not.toContain('exit');
    expect(got).toBe(expected);
    await run(
      `const { Redis } = await import('ioredis'); const r = new Redis(url); await r.flushall(); r.disconnect();`,
      oracle.port,
    );
  });
});
