/**
 * Random sequences against the oracle: 60,000 commands in `npm test`, a million in
 * `npm run test:full`, RESPITE_COMMANDS in any other run. A failure prints the shrunk sequence and the line that replays it.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startAlteringProxy } from '../harness/altering-proxy.ts';
import { type AllowedDifference, missingCommands, type Pair } from '../harness/differential.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { startRespite } from '../harness/respite.ts';
import { commandLine, type SequenceDifference, SequenceRunner } from '../harness/sequence.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { allowedDifferences } from './allowed-differences.ts';
import { closingChecks, generatedCommand } from './generator.ts';
import { COLLECTIONS, commandsOf, type Family } from './generator-collections.ts';
import { KEYS } from './generator-words.ts';

const { RESPITE_COMMANDS, RESPITE_FULL } = process.env;
const COMMANDS = Number(RESPITE_COMMANDS ?? (RESPITE_FULL === '1' ? 1_000_000 : 60_000));
const SEQUENCE_MAX = 200;
/** Ample, on a machine that does other things too. */
const MS_PER_COMMAND = 2;

const FAMILIES = Object.keys(COLLECTIONS) as Family[];

/** What a run covers: families of commands, and whether DEBUG DIGEST can read all of them. */
interface Coverage {
  readonly families: readonly Family[];
  readonly digest: boolean;
}

const everything: Coverage = { families: FAMILIES, digest: true };

/** A sequence in one protocol; short ones and long ones, of all families or of one. */
function sequence(families: readonly Family[]) {
  const listOf = (some: readonly Family[]) =>
    fc.array(generatedCommand(some), { minLength: 1, maxLength: SEQUENCE_MAX, size: 'max' });
  return fc.tuple(
    fc.constantFrom<2 | 3>(2, 3),
    fc.oneof(
      listOf(families),
      ...families.filter((one) => one !== 'sort').map((one) => listOf([one])),
      listOf([]),
    ),
  );
}

/** Encodings of sets (those of other values have no such pairs of answers), and WITHSCORE. */
const generatedDifferences: readonly AllowedDifference[] = [
  {
    command: /^Z(REV)?RANK /,
    ours: /syntax error/,
    oracle: /wrong number of arguments/,
    generated: true,
    why: 'ZRANK and ZREVRANK take one argument more since Redis 7.2',
  },
  {
    command: /^OBJECT ENCODING /i,
    ours: /^"listpack"$/,
    oracle: /^"hashtable"$/,
    generated: true,
    why: 'small sets of strings are listpacks since Redis 7.2',
  },
  {
    command: /^OBJECT ENCODING /i,
    ours: /^"intset"$/,
    oracle: /^"hashtable"$/,
    generated: true,
    why: 'SDIFFSTORE in Redis keeps the table that held strings before they were subtracted',
  },
  {
    command: /^OBJECT ENCODING /i,
    ours: /^"listpack"$/,
    oracle: /^"skiplist"$/,
    generated: true,
    why: 'SORT of a small sorted set leaves a skiplist behind in Redis; reading should not write',
  },
  {
    command: /^SORT(_RO)? /,
    oracle: /One or more scores can't be converted/,
    generated: true,
    why: 'SORT in Redis 7.0 takes for its own the errno of an earlier number out of range',
  },
];

/** What a server has of the families. The others are left out, and said so. */
async function coverageOf(target: ServerProcess): Promise<Coverage> {
  const families: Family[] = [];
  for (const family of FAMILIES) {
    const missing = await missingCommands(target, commandsOf(family));
    if (missing.length === 0) families.push(family);
    else console.warn(`SKIPPED: random commands of ${family} need ${missing.join(', ')}`);
  }
  const digest = await hasDigest(target, families);
  if (!digest) console.warn('SKIPPED: DEBUG DIGEST does not read collections');
  return { families, digest };
}

async function hasDigest(target: ServerProcess, families: readonly Family[]): Promise<boolean> {
  const connection = await target.connect();
  const make: Partial<Record<Family, string[]>> = {
    hash: ['HSET', 'h', 'f', 'v'],
    set: ['SADD', 's', 'm'],
    list: ['RPUSH', 'l', 'e'],
    zset: ['ZADD', 'z', '1', 'm'],
    stream: ['XADD', 'x', '1-1', 'f', 'v'],
  };
  for (const family of families) await connection.call(...(make[family] ?? ['PING']));
  const { kind } = await connection.call('DEBUG', 'DIGEST');
  await connection.call('FLUSHALL');
  await connection.end();
  return kind !== 'error';
}

interface Outcome {
  /** Everything a failure has to say; undefined when there was none. */
  readonly failure: string | undefined;
  readonly shrunk: readonly string[];
  readonly commandsSent: number;
}

/** RESPITE_SEED is `seed`, or `seed:path` as a failure prints it. */
function readSeed(): { seed?: number; path?: string } {
  const [, seed, path] = /^(-?\d+)(?::(.+))?$/.exec(process.env['RESPITE_SEED'] ?? '') ?? [];
  if (seed === undefined) return {};
  return { seed: Number(seed), ...(path === undefined ? {} : { path }) };
}

async function explore(
  pair: Pair,
  commands: number,
  { families, digest }: Coverage,
  seed = readSeed(),
): Promise<Outcome> {
  const options = {
    allowed: [...allowedDifferences, ...generatedDifferences],
    closing: closingChecks(families),
    digest,
  };
  const runner = new SequenceRunner(pair, KEYS, options);
  let found: SequenceDifference | undefined;
  const details = await fc.check(
    fc.asyncProperty(sequence(families), async ([protocol, list]) => {
      const difference = await runner.run(list, protocol);
      if (difference === undefined) return;
      found = difference;
      throw new Error('different');
    }),
    { numRuns: Math.ceil((2 * commands) / SEQUENCE_MAX), ...seed },
  );
  await runner.close();
  const { commandsSent } = runner;
  if (!details.failed || details.counterexample === null) {
    return { failure: undefined, shrunk: [], commandsSent };
  }
  const [[protocol, list]] = details.counterexample;
  // Shrinking ends on a run that passed: this one is repeated to show its own difference.
  const repeat = new SequenceRunner(pair, KEYS, options);
  found = (await repeat.run(list, protocol)) ?? found;
  await repeat.close();
  const shrunk = list.map(({ argv }) => commandLine(argv));
  const failure = [
    `RESP${protocol}, command ${(found?.index ?? 0) + 1} of ${shrunk.length} (later ones are checks):`,
    ...shrunk.map((line) => `    ${line}`),
    `differs at:  ${found?.text}`,
    `  ours:   ${excerpt(found?.ours, found?.oracle)}`,
    `  oracle: ${excerpt(found?.oracle, found?.ours)}`,
    `replay:  RESPITE_SEED=${details.seed}:${details.counterexamplePath} npx vitest run test/differential/generator.test.ts`,
  ].join('\n');
  return { failure, shrunk, commandsSent };
}

/** A reply, indented; of a long one the lines around the first that the other has not. */
function excerpt(shown = '', other = ''): string {
  const [lines, others] = [shown.split('\n'), other.split('\n')];
  const at = lines.findIndex((line, i) => line !== others[i]);
  const from = lines.length > 20 && at > 5 ? at - 5 : 0;
  const part = lines.slice(from, from + 20);
  return [...(from > 0 ? ['...'] : []), ...part, ...(from + 20 < lines.length ? ['...'] : [])].join(
    '\n          ',
  );
}

describeWithOracle('random commands', () => {
  const servers: ServerProcess[] = [];
  let oracle: ServerProcess;

  beforeAll(async () => {
    oracle = await startOracle();
    servers.push(oracle);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop('SIGKILL')));
  });

  it(
    `gives ${COMMANDS} commands the oracle's replies`,
    async () => {
      const ours = await startRespite();
      servers.push(ours);
      const { failure, commandsSent } = await explore(
        { ours, oracle },
        COMMANDS,
        await coverageOf(ours),
      );
      if (failure !== undefined) expect.fail(failure);
      if (process.env['RESPITE_SEED'] === undefined) {
        expect(commandsSent).toBeGreaterThan(COMMANDS);
      }
    },
    30_000 + COMMANDS * MS_PER_COMMAND,
  );

  it('two oracles agree, so the generator depends on neither clock nor chance', async () => {
    const other = await startOracle([], 'oracle-b');
    servers.push(other);
    const { failure } = await explore({ ours: other, oracle }, 20_000, everything, {});
    if (failure !== undefined) expect.fail(failure);
  });

  it('finds a seeded fault and shrinks it to the commands that show it', async () => {
    const other = await startOracle([], 'oracle-c');
    servers.push(other);
    await using faulty = await startAlteringProxy(other.port, (reply) =>
      reply.equals(Buffer.from(':5\r\n')) ? Buffer.from(':6\r\n') : reply,
    );
    const { failure, shrunk } = await explore({ ours: faulty, oracle }, 20_000, everything, {});
    expect(failure).toMatch(/ours: {3}\(integer\) 6\n {2}oracle: \(integer\) 5/);
    expect(failure).toMatch(/RESPITE_SEED=-?\d+:[\d:]+ /);
    // DBSIZE says 5 after five SETs; everything else needs fewer.
    expect(shrunk.length).toBeLessThanOrEqual(8);
  });
});
