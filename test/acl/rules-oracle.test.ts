/**
 * Random rules next to redis-server: what is refused, what a user then is, what it may run. 1,200
 * lists of rules in `npm test`, with a fixed seed; 20,000 with another in `npm run test:full`.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Connection } from '../harness/connection.ts';
import { startServer } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { encodeCommand, format, type Reply } from '../harness/reply.ts';
import { SEED } from '../harness/seed.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { xorshift } from './random.ts';

const { RESPITE_FULL, RESPITE_LISTS } = process.env;
const LISTS = Number(RESPITE_LISTS ?? (RESPITE_FULL === '1' ? 20_000 : 1_200));
/** Lists of rules that are sent at once. */
const BATCH = 50;
const RULES_MAX = 12;

const CATEGORIES = [
  ...['keyspace', 'read', 'write', 'set', 'sortedset', 'list', 'hash', 'string', 'bitmap'],
  ...['hyperloglog', 'geo', 'stream', 'pubsub', 'admin', 'fast', 'slow', 'blocking', 'dangerous'],
  ...['connection', 'transaction', 'scripting', 'all', 'READ', 'nosuch', ''],
];
const COMMANDS = [
  ...['get', 'SET', 'mget', 'del', 'config', 'config|get', 'CONFIG|set', 'client', 'client|kill'],
  ...['object|freq', 'object', 'xgroup', 'xgroup|create', 'select', 'select|0', 'select|1'],
  ...['debug|object', 'eval', 'eval|x', 'hset', 'zadd', 'publish', 'acl', 'acl|list', 'memory'],
  ...['cluster|info', 'cluster', 'migrate', 'replicaof', 'slowlog|get', 'module', 'nosuch', 'get|'],
  ...['|', '|get', 'config|nosuch', 'config|get|x', 'script|load', 'function', 'latency|doctor'],
];
const PATTERNS = [
  '*',
  'a',
  'a*',
  'a?',
  '[ab]*',
  'b',
  'x y',
  '',
  '\\*',
  'a:*:b',
  '**',
  '\n',
  'é',
  'a)',
  '"',
];
const WORDS = [
  ...['on', 'off', 'ON', 'nopass', 'resetpass', 'reset', 'allkeys', 'resetkeys', 'allchannels'],
  ...['resetchannels', 'allcommands', 'nocommands', 'clearselectors', 'sanitize-payload', ''],
  ...[
    'skip-sanitize-payload',
    '>p',
    '>q',
    '<p',
    '<q',
    '#abc',
    '!abc',
    '(',
    ')',
    '()',
    'x',
    '~',
    '%',
  ],
  '#148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940',
  '!148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940',
];
const LINES = [
  ...['get a', 'get ab', 'get b', 'set a 1', 'set a 1 GET', 'mget a b', 'copy a b', 'del b a'],
  ...['exists b', 'object freq a', 'select 0', 'select 1', 'config get x', 'config set a b'],
  ...['client kill x', 'publish a x', 'publish b x', 'subscribe a ab', 'psubscribe a*', 'acl list'],
  ...['zunionstore a 1 b', 'xreadgroup group g c streams a >', 'eval x 1 a', 'sort a store b'],
  ...['hset a f v', 'flushall', 'script load x', 'xgroup create a g 0', 'geoadd b 0 0 m', 'ping'],
];

describeWithOracle(`random rules (seed ${SEED})`, () => {
  let oracle: ServerProcess;
  let theirs: Connection;
  let ours: Connection;
  /** Commands that both have, as rules name them. */
  let shared: Set<string>;

  beforeAll(async () => {
    oracle = await startOracle();
    theirs = await Connection.open(oracle.port);
    ours = await Connection.open((await startServer({ loglevel: 'warning' })).port);
    shared = new Set(texts(await theirs.call('COMMAND', 'LIST')));
  });

  afterAll(async () => {
    theirs.close();
    ours.close();
    await oracle.stop();
  });

  async function ask(connection: Connection, lines: readonly string[][]): Promise<Reply[]> {
    const bytes = lines.map((words) => encodeCommand(words.map((w) => Buffer.from(w, 'latin1'))));
    connection.write(Buffer.concat(bytes));
    const replies: Reply[] = [];
    for (const _ of lines) replies.push((await connection.receive()).reply);
    return replies;
  }

  it('knows every command of redis-server, with its categories', async () => {
    const server = await startServer();
    const { catalogue } = server.acl;
    const names = texts(await theirs.call('COMMAND', 'LIST')).sort();
    const lines = names.map((name) => ['COMMAND', 'INFO', name]);
    for (const [i, reply] of (await ask(theirs, lines)).entries()) {
      const info = ('items' in reply ? reply.items[0] : undefined)!;
      const categories = 'items' in info ? texts(info.items[6]!) : [];
      const found = catalogue.find(names[i]!);
      expect([...(found?.categories ?? [])].sort(), names[i]).toEqual(
        categories.map((category) => category.slice(1)).sort(),
      );
    }
  });

  it('lists the commands of a category as redis-server does', async () => {
    const have = new Set(texts(await ours.call('COMMAND', 'LIST')));
    for (const category of texts(await theirs.call('ACL', 'CAT'))) {
      const [mine, reference] = (
        await Promise.all([ours, theirs].map((each) => each.call('ACL', 'CAT', category)))
      ).map((reply) => texts(reply).sort());
      expect(mine!.filter((name) => shared.has(name))).toEqual(
        reference!.filter((name) => have.has(name)),
      );
    }
  });

  it(`${LISTS} lists of rules`, { timeout: LISTS * 40 }, async () => {
    const random = xorshift(SEED);
    const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
    let accepted = 0;
    for (let n = 0; n < LISTS; n += BATCH) {
      const lines: string[][] = [];
      for (let i = 0; i < BATCH; i++) {
        const rules = Array.from({ length: 1 + Math.floor(random() * RULES_MAX) }, () =>
          rule(pick, random),
        );
        // One that is refused leaves everything as it was: then the others are given one by one.
        lines.push(['ACL', 'SETUSER', 'u', 'reset'], ['ACL', 'SETUSER', 'u', ...rules]);
        for (const each of rules) {
          if (!/[()]/.test(each)) lines.push(['ACL', 'SETUSER', 'u', each]);
        }
        lines.push(['ACL', 'GETUSER', 'u']);
        for (let k = 0; k < 4; k++) {
          lines.push(['ACL', 'DRYRUN', 'u', ...pick(LINES).split(' ')]);
        }
      }
      const [a, b] = await Promise.all([ask(ours, lines), ask(theirs, lines)]);
      for (const [i, line] of lines.entries()) {
        const [mine, reference] = [a[i]!, b[i]!].map((reply) => shown(reply, shared));
        if (mine === reference) {
          if (mine === 'OK') accepted++;
          continue;
        }
        const from = lines.slice(0, i + 1).map((words) => JSON.stringify(words.slice(1)));
        const since = from.slice(from.findLastIndex((text) => text.includes('"reset"]')));
        expect(mine, `${line.join(' ')}\nafter ${since.join('\n')}`).toBe(reference);
      }
    }
    expect(accepted).toBeGreaterThan(LISTS * 2);
  });
});

function rule(pick: <T>(list: readonly T[]) => T, random: () => number, depth = 0): string {
  const kind = random();
  if (kind < 0.3) return pick(['+', '-']) + pick(COMMANDS);
  if (kind < 0.5) return `${pick(['+', '-'])}@${pick(CATEGORIES)}`;
  if (kind < 0.65) return pick(['~', '%R~', '%W~', '%RW~', '%r~', '%', '%RR~']) + pick(PATTERNS);
  if (kind < 0.75) return `&${pick(PATTERNS)}`;
  if (kind < 0.85 && depth === 0) {
    const inner = Array.from({ length: Math.floor(random() * 4) }, () => rule(pick, random, 1));
    return `(${inner.join(' ')})`;
  }
  return pick(WORDS);
}

function texts(reply: Reply): string[] {
  if ('items' in reply) return reply.items.flatMap(texts);
  return 'bytes' in reply ? [reply.bytes.toString('latin1')] : [];
}

/** A reply, with single commands in one order, those that only one server has left out. */
function shown(reply: Reply, shared: ReadonlySet<string>): string {
  if (!('items' in reply)) return texts(reply)[0] ?? format(reply);
  return texts(reply)
    .map((text) => (/^[-+]@all/.test(text) ? sorted(text, shared) : text))
    .join('\n');
}

function sorted(text: string, shared: ReadonlySet<string>): string {
  const words = text.split(' ');
  const single = words.filter((word) => /^[-+][^@]/.test(word));
  // `select|0` is a first argument, no subcommand: it is the command that both must have.
  const known = single.filter((word) => {
    const name = word.slice(1);
    const [command = ''] = name.split('|');
    return shared.has(name) || (shared.has(command) && !shared.has(`${command}|help`));
  });
  return [...words.filter((word) => !single.includes(word)), ...known.sort()].join(' ');
}
