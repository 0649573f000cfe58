/**
 * Keys touched are keys checked: for random command lines of all commands, whoever may use just the
 * keys that were found in the arguments, as they were found to be used, never gets at any other.
 * 60,000 lines in `npm test`, a million in `npm run test:full`.
 */
import { describe, expect, it } from 'vitest';
import { Access, Pattern } from '../../src/acl/pattern.ts';
import { PatternSet } from '../../src/acl/pattern-set.ts';
import { ALLOWED, check } from '../../src/commands/access.ts';
import { type Command, Flag } from '../../src/commands/command-table.ts';
import { KeyList } from '../../src/commands/key-list.ts';
import { KeyFinder } from '../../src/commands/key-specs.ts';
import { Reply } from '../../src/resp/reply.ts';
import { Args } from '../../src/util/args.ts';
import { InProcess } from '../harness/in-process.ts';
import { SEED } from '../harness/seed.ts';
import { LineMaker } from './argument-lists.ts';
import { xorshift } from './random.ts';
import { TouchedKeys } from './touched-keys.ts';

const { RESPITE_FULL, RESPITE_LINES } = process.env;
const LINES = Number(RESPITE_LINES ?? (RESPITE_FULL === '1' ? 1_000_000 : 20_000));

/** What has no keys of its own and nothing to do with data, or runs other commands. */
const leftOut = new Set(['scripting', 'connection', 'transactions', 'pubsub', 'cluster']);
const leftOutNames =
  /^(debug|shutdown|restore-asking|replicaof|slaveof|failover|sync|psync|scan|keys)\b|save|rewrite/;

/**
 * Where redis-server 7.0.15, whose key specifications these are, takes it less strictly: what a
 * group has read, and a cached cardinality, may change by reading; pending entries are claimed and
 * so seen by who may write.
 */
const writesByReading = new Set(['xreadgroup', 'pfcount']);
const readsByWriting = new Set(['xack', 'xackdel', 'xnack', 'xclaim', 'xautoclaim']);

function isCovered({ fullName, spec, flagBits }: Command): boolean {
  if (leftOut.has(spec.group) || leftOutNames.test(fullName) || spec.run === undefined)
    return false;
  return (flagBits & Flag.admin) === 0;
}

/** What was found to be done with a key, all its mentions together. */
interface Use {
  access: number;
  /** Whether some mention says that only its type, size or existence is told. */
  metadata: boolean;
}

function uses(args: Args, keys: KeyList): Map<string, Use> {
  const found = new Map<string, Use>();
  for (let i = 0; i < keys.count; i++) {
    const key = args.latin1(keys.at[i]!);
    const use = found.get(key) ?? { access: 0, metadata: false };
    const { access, flags } = keys.uses[i]!;
    use.access |= access;
    use.metadata ||= flags.includes('RO') && access === 0;
    found.set(key, use);
  }
  return found;
}

const escaped = (key: string) => key.replace(/[*?[\]\\]/g, '\\$&');

function problemOf(
  { fullName }: Command,
  found: ReadonlyMap<string, Use>,
  seen: TouchedKeys,
): string | undefined {
  for (const key of seen.touched) if (!found.has(key)) return `touches ${key}`;
  for (const key of seen.written) {
    const may = ((found.get(key)?.access ?? 0) & Access.write) !== 0;
    if (!may && !writesByReading.has(fullName)) return `writes ${key}`;
  }
  for (const key of seen.read) {
    const use = found.get(key);
    const may = use !== undefined && ((use.access & Access.read) !== 0 || use.metadata);
    if (!may && !readsByWriting.has(fullName)) return `reads ${key}`;
  }
  return undefined;
}

/** What is wrong, by command, with random lines of the commands that are covered. */
function findProblems(lines: number, covers: (command: Command) => boolean) {
  const { server, context } = new InProcess();
  const random = xorshift(SEED);
  const { acl, commands, keyspace } = server;
  const makers = [...commands.everyCommand()]
    .filter(covers)
    .map((command) => new LineMaker(command, random));
  const user = acl.users.create('u');
  for (const rule of ['on', 'nopass', '+@all', '&*']) user.apply(rule);
  context.session.user = user;
  const seen = new TouchedKeys(keyspace);
  const keys = new KeyList();
  const reply = new Reply();
  const problems = new Map<string, string>();
  let touches = 0;
  let succeeded = 0;
  for (let n = 0; n < lines; n++) {
    const maker = makers[n % makers.length]!;
    const { command } = maker;
    const words = maker.next();
    const { arity } = command;
    if (arity > 0 ? words.length !== arity : words.length < -arity) continue;
    const args = Args.of(...words);
    keys.clear();
    command.keys?.find(args, keys);
    const used = uses(args, keys);
    user.selectors[0]!.keys = new PatternSet(
      [...used].map(([key, { access }]) => new Pattern(escaped(key), access)),
    );
    if (check(user, command, args) !== ALLOWED) {
      problems.set(command.fullName, `refuses its own keys: ${words.join(' ')}`);
      continue;
    }
    if (n % 5000 === 0) keyspace.flush(keyspace.dbs.keys());
    seen.clear();
    reply.pos = 0;
    context.call(command, args, reply);
    keyspace.changes.journal.endUnit();
    if (reply.buf[0] !== 0x2d) succeeded++;
    touches += seen.touched.size;
    const problem = problemOf(command, used, seen);
    if (problem !== undefined) problems.set(command.fullName, `${problem}: ${words.join(' ')}`);
  }
  return { commands: makers.length, problems, succeeded, touches };
}

describe(`keys checked (seed ${SEED})`, () => {
  it(`no command touches others: ${LINES} command lines`, { timeout: LINES }, () => {
    const { commands, problems, succeeded, touches } = findProblems(LINES, isCovered);
    expect([...problems].map(([name, what]) => `${name} ${what}`)).toEqual([]);
    // The lines are no rubbish: many are understood, and they do use keys.
    expect(commands).toBeGreaterThan(200);
    expect(succeeded).toBeGreaterThan(LINES / 4);
    expect(touches).toBeGreaterThan(LINES / 2);
  });

  for (const [line, wanted] of [
    ['GEORADIUS k 0 0 1 m STORE a STORE b', 'k b'],
    ['GEORADIUS k 0 0 1 m STORE a STOREDIST b', 'k b'],
    ['GEORADIUS k 0 0 1 m STOREDIST STORE', 'k STORE'],
    ['GEORADIUSBYMEMBER k STORE 1 m COUNT 1 STORE b ASC', 'k b'],
    ['XREADGROUP GROUP g STREAMS STREAMS k >', 'k'],
    ['XREADGROUP GROUP STREAMS c STREAMS k >', 'k'],
    ['XREADGROUP COUNT 1 GROUP STREAMS c NOACK STREAMS k l > >', 'k l'],
    ['XREADGROUP NOACK GROUP BLOCK STREAMS STREAMS STREAMS >', 'STREAMS'],
    ['XREAD COUNT 1 BLOCK 0 STREAMS STREAMS 0', 'STREAMS'],
    ['SORT k STORE a STORE b', 'k b'],
    ['SORT k BY STORE GET STORE STORE b', 'k b'],
    ['SORT k STORE STORE STORE c', 'k c'],
    ['SORT k LIMIT STORE x STORE b', 'k b'],
    ['LMPOP 2 a b LEFT', 'a b'],
    ['EVAL s 2 a b c', 'a b'],
    ['ZUNIONSTORE d 2 a b WEIGHTS 1 2', 'd a b'],
  ] as const) {
    it(`finds the keys of ${line}`, () => {
      expect(new InProcess().texts('COMMAND', 'GETKEYS', ...line.split(' ')).join(' ')).toBe(
        wanted,
      );
    });
  }

  it('sees commands that read their arguments otherwise', { timeout: 60_000 }, () => {
    // As the specifications alone tell it, which is how redis-server 7.0.15 finds these keys.
    const careless = ['georadius', 'georadiusbymember', 'sort'];
    const { problems } = findProblems(12_000, (command) => {
      if (!careless.includes(command.fullName)) return false;
      const spec = { ...command.spec };
      delete spec.findKeys;
      Object.assign(command, { keys: KeyFinder.of(spec) });
      return true;
    });
    expect([...problems.keys()].sort()).toEqual(careless);
  });
});
