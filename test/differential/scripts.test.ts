/**
 * Every script of ./scripts against the oracle: in RESP2 command by command, in RESP3 as pipelines
 * where no messages are awaited.
 */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { missingCommands, type Pair, report, runScript } from '../harness/differential.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { startRespite } from '../harness/respite.ts';
import type { Script } from '../harness/script.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { allowedDifferences } from './allowed-differences.ts';
import { scripts } from './load-scripts.ts';

/** RESPITE_SCRIPT=name runs one script only. */
const only = process.env['RESPITE_SCRIPT'];
const full = process.env['RESPITE_FULL'] === '1';
/** More commands than this are run in one protocol, unless all is. */
const LONG = 10_000;
const chosen = scripts.filter(({ name }) => only === undefined || name === only);

interface Processes extends Pair {
  readonly ours: ServerProcess;
  readonly oracle: ServerProcess;
}

describeWithOracle('differential scripts', () => {
  const used = new Set<(typeof allowedDifferences)[number]>();
  let pair: Processes;

  async function start(args: readonly string[]): Promise<Processes> {
    const [ours, oracle] = await Promise.all([startRespite(args), startOracle(args)]);
    return { ours, oracle };
  }

  async function stop({ ours, oracle }: Processes): Promise<void> {
    await Promise.all([ours.stop('SIGKILL'), oracle.stop('SIGKILL')]);
  }

  beforeAll(async () => {
    pair = await start([]);
  });
  afterAll(() => stop(pair));

  function pairFor(script: Script): Promise<Processes> | Processes {
    return script.serverArgs.length === 0 ? pair : start(script.serverArgs);
  }

  for (const script of chosen) {
    for (const protocol of script.protocols) {
      const name = `${script.name} in RESP${protocol}: ${script.steps.length} commands`;
      const isExtra = script.steps.length > LONG && protocol !== script.protocols.at(-1);
      if (isExtra && !full && only === undefined) {
        it.skip(`${name} [skipped: so many in one protocol only; RESPITE_FULL=1 runs it]`);
        continue;
      }
      it(name, async (context) => {
        const servers = await pairFor(script);
        // Servers of a script's own, if idle, wake up ten times a second: not until all is done.
        if (servers !== pair) onTestFinished(() => stop(servers));
        const missing = await missingCommands(servers.ours, script.needs);
        if (missing.length > 0) {
          console.warn(`SKIPPED: ${script.name} needs ${missing.join(', ')}`);
          context.skip(`not supported yet: ${missing.join(', ')}`);
        }
        for (const { line, reason } of script.skipped) {
          console.warn(`SKIPPED: ${script.name}:${line}: ${reason}`);
        }
        const found = await runScript(servers, script, protocol, {
          allowed: allowedDifferences,
          used,
          pipelined: protocol === 3,
        });
        if (found.length === 0) return;
        // What a script left behind half done (a pause, a password) must not fail the next one.
        if (servers === pair) {
          pair = await start([]);
          await stop(servers);
        }
        expect.fail(`${found.length} differences\n${report(found)}`);
      });
    }
  }

  it.skipIf(only !== undefined)('every allowed difference is still needed', () => {
    const idle = allowedDifferences.filter((entry) => !entry.generated && !used.has(entry));
    expect(idle.map(({ command, why }) => `${command}: ${why}`)).toEqual([]);
  });
});
