/**
 * The journal proves itself: random commands go into server A, its effects into server B, whose
 * clock runs a day ahead, whose random numbers are others, and which expires nothing by itself. After
 * every step both hold the same. Then the same for redis-server 7.0.15 in the place of B, with the
 * commands that it knows.
 *
 * RESPITE_SEED=seed:path repeats a failure.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Server } from '../../src/server/server.ts';
import type { Connection } from '../harness/connection.ts';
import { allStates, keyState } from '../harness/data-state.ts';
import { JournalRecorder, showUnit, type Unit } from '../harness/effects.ts';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';
import { format, type Reply } from '../harness/reply.ts';
import { commandLine } from '../harness/sequence.ts';
import { type EffectStep, effectSteps } from './generator-effects.ts';
import { HOMES } from './generator-words.ts';

const FULL = process.env['RESPITE_FULL'] === '1';
const STEPS = FULL ? 300_000 : 6_000;
const SEQUENCE_MAX = 100;
const SEED = 20_260_728;
const DAY_MS = 86_400_000;
const START_MS = 1_700_000_000_000;

/** Figures of XINFO STREAM that are each server's own. */
const OWN = /"(radix-tree-keys|radix-tree-nodes|seen-time|active-time)"\s+\d+\) \(integer\) -?\d+/g;

class Proof {
  nowMs = START_MS;
  private seed = 1;
  private source!: Server;
  private copy!: Server;
  private client!: Connection;
  private link!: Connection;
  private recorder!: JournalRecorder;

  static async open(): Promise<Proof> {
    const proof = new Proof();
    const directives = { 'enable-debug-command': 'yes' };
    proof.source = await startServer(directives, {
      now: () => proof.nowMs,
      random: () => proof.random(),
    });
    proof.copy = await startServer(directives, {
      now: () => proof.nowMs + DAY_MS,
      random: () => (proof.random() * 7919) % 1,
    });
    proof.copy.keyspace.expiryEnabled = false;
    proof.client = await connectTo(proof.source);
    proof.link = await connectTo(proof.copy);
    proof.recorder = new JournalRecorder(proof.source);
    await proof.client.text('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    return proof;
  }

  /** Runs a sequence on empty data; what went wrong, or undefined. */
  async run(steps: readonly EffectStep[]): Promise<string | undefined> {
    this.seed = 1;
    await this.client.call('FLUSHALL');
    let failure = await this.pass();
    for (const step of steps) {
      if (failure !== undefined) return failure;
      this.nowMs += step.advanceMs;
      failure = await this.step(step);
    }
    return failure ?? this.compareAll();
  }

  private async step({ commands }: EffectStep): Promise<string | undefined> {
    for (const argv of commands) this.client.send(...argv.map((arg) => Buffer.from(arg, 'latin1')));
    for (const _ of commands) await this.client.receive();
    const shown = commands.map(commandLine).join(' | ');
    const named = [...new Set(commands.flat())];
    const streams = named.filter((name) => (HOMES.stream as readonly string[]).includes(name));
    const infos = await Promise.all(streams.map((key) => streamInfo(this.client, key)));
    const units = this.recorder.taken();
    const refused = await this.apply(units);
    const told = `${shown}\n  effects: ${units.map(showUnit).join('; ') || '(none)'}`;
    if (refused !== undefined) return `${told}\n  refused: ${refused}`;
    for (const name of named) {
      const key = Buffer.from(name, 'latin1');
      const [a, b] = [keyState(this.source, 0, key), keyState(this.copy, 0, key)];
      if (a !== b) return `${told}\n  key ${commandLine([name])}\n  A: ${a}\n  B: ${b}`;
    }
    for (const [i, key] of streams.entries()) {
      const [a, b] = [infos[i]!, await streamInfo(this.link, key)];
      if (a !== b) return `${told}\n  stream ${key}\n  A: ${a}\n  B: ${b}`;
    }
    return undefined;
  }

  /** Hands the effects so far on. */
  private async pass(): Promise<string | undefined> {
    return this.apply(this.recorder.taken());
  }

  /** Applies units as a replica does; the first error that one of its commands is answered. */
  private async apply(units: readonly Unit[]): Promise<string | undefined> {
    for (const unit of units) {
      const sent: (readonly (string | Buffer)[])[] = [];
      if (unit.isAtomic) sent.push(['MULTI']);
      let selected = 0;
      for (const { dbIndex, argv } of unit.lines) {
        if (dbIndex !== selected) sent.push(['SELECT', String(dbIndex)]);
        selected = dbIndex;
        sent.push(argv);
      }
      if (selected !== 0) sent.push(['SELECT', '0']);
      if (unit.isAtomic) sent.push(['EXEC']);
      for (const argv of sent) this.link.send(...argv);
      let error: string | undefined;
      for (const _ of sent) error ??= errorIn((await this.link.receive()).reply);
      if (error !== undefined) return `${showUnit(unit)}: ${error}`;
    }
    return undefined;
  }

  private compareAll(): string | undefined {
    const [a, b] = [allStates(this.source), allStates(this.copy)];
    const lost = a.filter((state) => !b.includes(state));
    const extra = b.filter((state) => !a.includes(state));
    if (lost.length + extra.length === 0) return undefined;
    return `at the end\n  only A: ${lost.join('\n          ')}\n  only B: ${extra.join('\n          ')}`;
  }

  /** mulberry32: the same numbers for the same sequence. */
  private random(): number {
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.seed ^ (this.seed >>> 15), 1 | this.seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
}

async function streamInfo(connection: Connection, key: string): Promise<string> {
  const reply = await connection.call('XINFO', 'STREAM', key, 'FULL', 'COUNT', '0');
  return format(reply).replaceAll(OWN, '');
}

function errorIn(reply: Reply): string | undefined {
  if (reply.kind === 'error') return reply.bytes.toString('latin1');
  if (!('items' in reply)) return undefined;
  for (const item of reply.items) {
    const error = errorIn(item);
    if (error !== undefined) return error;
  }
  return undefined;
}

/** RESPITE_SEED is `seed`, or `seed:path` as a failure prints it. */
function readSeed(): { seed: number; path?: string } {
  const [, seed, path] = /^(-?\d+)(?::(.+))?$/.exec(process.env['RESPITE_SEED'] ?? '') ?? [];
  return { seed: Number(seed ?? SEED), ...(path === undefined ? {} : { path }) };
}

let proof: Proof;

beforeAll(async () => {
  proof = await Proof.open();
});
afterAll(closeAll);

it(`${STEPS} random steps and their effects leave the same data`, async () => {
  let found: string | undefined;
  const property = fc.asyncProperty(effectSteps(true, SEQUENCE_MAX), async (steps) => {
    const failure = await proof.run(steps);
    if (failure === undefined) return;
    found = failure;
    throw new Error('different');
  });
  const numRuns = Math.ceil((2 * STEPS) / SEQUENCE_MAX);
  const details = await fc.check(property, { numRuns, ...readSeed() });
  if (!details.failed || details.counterexample === null) return;
  const steps = details.counterexample[0];
  const again = (await proof.run(steps)) ?? found;
  expect.fail(
    [
      ...steps.map(
        (step) => `    +${step.advanceMs} ms  ${step.commands.map(commandLine).join(' | ')}`,
      ),
      again,
      `replay: RESPITE_SEED=${details.seed}:${details.counterexamplePath}`,
    ].join('\n'),
  );
});
