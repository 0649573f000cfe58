/**
 * The stream of effects: every script runs on a server in this process, whose journal is read, and
 * on redis-server, which is followed as a replica does. The streams must be the same, unit by unit
 * and line by line. Replies are compared elsewhere (scripts.test.ts).
 *
 * `npm test` runs the scripts of the data types; `npm run test:full` all of them.
 */
import { afterAll, expect, it } from 'vitest';
import { Connection } from '../harness/connection.ts';
import { type Pair, runScript } from '../harness/differential.ts';
import { JournalRecorder, type UnitSource } from '../harness/effects.ts';
import { atClose, closeAll, startServer } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { ReplicaRecorder } from '../harness/replica-recorder.ts';
import { textOf } from '../harness/reply.ts';
import type { Script, Step } from '../harness/script.ts';
import {
  type AllowedStreamDifference,
  StreamComparison,
  type StreamDifference,
} from '../harness/stream-comparison.ts';
import { allowedStreamDifferences } from './allowed-stream-differences.ts';
import { scripts } from './load-scripts.ts';

const { RESPITE_SCRIPT, RESPITE_FULL } = process.env;
/** What `npm test` runs: the scripts of the data types, but for the two with most commands. */
const SHORT =
  /^(changes|string-|set-|expire|keys|rename|hash|list|zset|stream|geo|bitmap-|hyperloglog|sort|blocking|transactions|dump|encoding|pubsub)/;
const chosen = scripts.filter(({ name }) =>
  RESPITE_SCRIPT === undefined ? RESPITE_FULL === '1' || SHORT.test(name) : name === RESPITE_SCRIPT,
);

/** Differences of one script that a report shows. */
const SHOWN_MAX = 50;
/** How long a removal may be missing on one server at the end of a script. */
const REMOVALS_TIMEOUT_MS = 3000;

interface RecordedPair extends Pair {
  /** Of ours and of the oracle. */
  readonly recorders: readonly UnitSource[];
  /** Commands of the oracle that write nothing into its stream, in lower case. */
  readonly reading: ReadonlySet<string>;
}

/** Replies are not what this compares. */
const anyReply = [{ command: /^/, why: 'replies are compared in scripts.test.ts' }];

describeWithOracle('streams of effects', () => {
  const used = new Set<AllowedStreamDifference>();
  let shared: RecordedPair | undefined;

  async function start(args: readonly string[]): Promise<RecordedPair> {
    const directives = Object.fromEntries(
      args.flatMap((arg, i) => (i % 2 === 0 ? [[arg.slice(2), args[i + 1]!]] : [])),
    );
    const server = await startServer({ 'enable-debug-command': 'yes', ...directives });
    const oracle = await startOracle(args);
    atClose(() => oracle.stop('SIGKILL'));
    const recorders = [new JournalRecorder(server), await ReplicaRecorder.open(oracle.port)];
    atClose(() => recorders.map((one) => one.close()));
    const reading = await readingCommands(oracle.port);
    return { ours: { name: 'respite', port: server.port, log: '' }, oracle, recorders, reading };
  }

  async function compare(pair: RecordedPair, script: Script): Promise<StreamDifference[]> {
    const [ours, oracle] = [pair.recorders[0]!, pair.recorders[1]!];
    const comparison = new StreamComparison(allowedStreamDifferences, used);
    let last: Step | undefined;
    await runScript(pair, script, script.protocols.at(-1)!, {
      allowed: anyReply,
      afterStart: async () => {
        await oracle.take();
        await ours.take();
      },
      afterStep: async (step) => {
        last = step;
        const mine = await ours.take();
        // What comes of a command that reads is an expired key: it is seen at the next step, as it
        // may be, and need not be asked for.
        if (mine.length === 0 && isReading(step, pair)) return;
        const theirs = await oracle.take();
        mine.push(...(await ours.take()));
        // A step of ours only has no counterpart.
        comparison.add(step, step.comparison.kind === 'expect' ? [] : mine, theirs);
      },
    });
    if (last !== undefined) comparison.add(last, await ours.take(), await oracle.take());
    const deadline = Date.now() + REMOVALS_TIMEOUT_MS;
    while (last !== undefined && comparison.isWaiting && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      comparison.add(last, await ours.take(), await oracle.take());
    }
    comparison.finish();
    return comparison.differences;
  }

  afterAll(closeAll);

  for (const script of chosen) {
    it(`${script.name}: ${script.steps.length} commands`, async () => {
      const isOwn = script.serverArgs.length > 0;
      const pair = (isOwn ? undefined : shared) ?? (await start(script.serverArgs));
      // What a script left behind half done must not fail the next one.
      if (!isOwn) shared = undefined;
      const differences = await compare(pair, script);
      if (differences.length > 0) expect.fail(report(script, differences));
      if (!isOwn) shared = pair;
    });
  }

  it.skipIf(RESPITE_SCRIPT !== undefined || RESPITE_FULL !== '1')(
    'every allowed difference is still needed (all scripts must run: the long tier)',
    () => {
      const idle = allowedStreamDifferences.filter((entry) => !used.has(entry));
      expect(idle.map(({ why }) => why)).toEqual([]);
    },
  );
});

function isReading({ action }: Step, { reading }: RecordedPair): boolean {
  return action.kind === 'command' && reading.has(String(action.argv[0]).toLowerCase());
}

async function readingCommands(port: number): Promise<Set<string>> {
  const connection = await Connection.open(port);
  const reply = await connection.call('COMMAND');
  await connection.end();
  const found = new Set<string>();
  for (const command of 'items' in reply ? reply.items : []) {
    const [name, , flags] = 'items' in command ? command.items : [];
    const words = flags !== undefined && 'items' in flags ? flags.items.map(textOf) : [];
    // PFCOUNT reads and may write what it has counted.
    if (name === undefined || !words.includes('readonly') || words.includes('may_replicate')) {
      continue;
    }
    found.add(textOf(name)!);
  }
  expect(found).toContain('get');
  return found;
}

function report(script: Script, differences: readonly StreamDifference[]): string {
  return [
    `${differences.length} differences`,
    ...differences.slice(0, SHOWN_MAX).map(({ step, ours, oracle }) => {
      const loops = step.loops === '' ? '' : `   (${step.loops})`;
      return `${script.name}:${step.line}  ${step.text}${loops}\n  ours:   ${ours}\n  oracle: ${oracle}`;
    }),
  ].join('\n');
}
