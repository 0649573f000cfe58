/**
 * The journal proves itself: random commands go into server A, its effects into server B, whose
 * clock runs a day ahead, whose random numbers are others, and which expires nothing by itself. After
 * every step both hold the same. Then the same for redis-server 7.0.15 in the place of B, with the
 * commands that it knows.
 *
 * RESPITE_SEED=seed:path repeats a failure.
 */
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { atClose, closeAll } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { SEED } from '../harness/seed.ts';
import { commandLine } from '../harness/sequence.ts';
import { type EffectProof, OracleProof, ServerProof } from './effect-proof.ts';
import { effectSteps } from './generator-effects.ts';

const FULL = process.env['RESPITE_FULL'] === '1';
const STEPS = FULL ? 300_000 : 5_000;
const SEQUENCE_MAX = 100;

/** RESPITE_SEED is `seed`, or `seed:path` as a failure prints it. */
function readSeed(): { seed: number; path?: string } {
  const [, seed, path] = /^(-?\d+)(?::(.+))?$/.exec(process.env['RESPITE_SEED'] ?? '') ?? [];
  return { seed: Number(seed ?? SEED), ...(path === undefined ? {} : { path }) };
}

/** The shortest sequence that fails, with what is wrong at its end; undefined when all pass. */
async function explore(
  proof: EffectProof,
  withLater: boolean,
  { stepCount = STEPS, endOnFailure = false } = {},
): Promise<string | undefined> {
  let found: string | undefined;
  const property = fc.asyncProperty(effectSteps(withLater, SEQUENCE_MAX), async (steps) => {
    const failure = await proof.run(steps);
    if (failure === undefined) return;
    found = failure;
    throw new Error('different');
  });
  const numRuns = Math.ceil((2 * stepCount) / SEQUENCE_MAX);
  const details = await fc.check(property, { numRuns, endOnFailure, ...readSeed() });
  if (!details.failed || details.counterexample === null) return undefined;
  const [steps] = details.counterexample;
  const again = (await proof.run(steps)) ?? found;
  const shown = steps.map(
    ({ advanceMs, commands }) => `    +${advanceMs} ms  ${commands.map(commandLine).join(' | ')}`,
  );
  const replay = `replay: RESPITE_SEED=${details.seed}:${details.counterexamplePath}`;
  return [...shown, again, replay].join('\n');
}

afterAll(closeAll);

it(`${STEPS} random steps: their effects leave the same data on a second server`, async () => {
  const failure = await explore(await ServerProof.open(), true);
  if (failure !== undefined) expect.fail(failure);
});

it.each([/^SREM /, /^XCLAIM /, /^PEXPIREAT /, /^HPEXPIREAT /, /^XGROUP SETID /])(
  'the proof notices when effects like %o are lost',
  async (pattern) => {
    const proof = await ServerProof.open();
    proof.isLost = (unit) => pattern.test(unit);
    const failure = await explore(proof, true, { stepCount: 3000, endOnFailure: true });
    expect(failure).toMatch(/A: /);
  },
);

describeWithOracle('random steps', () => {
  it(`${STEPS} of them: their effects leave the same data on redis-server`, async () => {
    const oracle = await startOracle();
    atClose(() => oracle.stop('SIGKILL'));
    const failure = await explore(await OracleProof.open(oracle.port), false);
    if (failure !== undefined) expect.fail(failure);
  });
});
