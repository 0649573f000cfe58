/** Every script of ./scripts against the oracle, in RESP2 and RESP3. */
import { afterAll, beforeAll, expect, it } from 'vitest';
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

describeWithOracle('differential scripts', () => {
  const used = new Set<(typeof allowedDifferences)[number]>();
  const servers: ServerProcess[] = [];
  let pair: Pair;

  async function start(args: readonly string[]): Promise<Pair> {
    const [ours, oracle] = await Promise.all([startRespite(args), startOracle(args)]);
    servers.push(ours, oracle);
    return { ours, oracle };
  }

  beforeAll(async () => {
    pair = await start([]);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop('SIGKILL')));
  });

  function pairFor(script: Script): Promise<Pair> | Pair {
    return script.serverArgs.length === 0 ? pair : start(script.serverArgs);
  }

  for (const script of chosen) {
    for (const protocol of script.protocols) {
      const name = `${script.name} in RESP${protocol}: ${script.steps.length} commands`;
      const isExtra = script.steps.length > LONG && protocol !== script.protocols[0];
      if (isExtra && !full && only === undefined) {
        it.skip(`${name} [skipped: so many in one protocol only; RESPITE_FULL=1 runs it]`);
        continue;
      }
      it(name, async (context) => {
        const servers = await pairFor(script);
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
        });
        if (found.length === 0) return;
        // What a script left behind half done (a pause, a password) must not fail the next one.
        if (servers === pair) pair = await start([]);
        expect.fail(`${found.length} differences\n${report(found)}`);
      });
    }
  }

  it.skipIf(only !== undefined)('every allowed difference is still needed', () => {
    const idle = allowedDifferences.filter((entry) => !entry.generated && !used.has(entry));
    expect(idle.map(({ command, why }) => `${command}: ${why}`)).toEqual([]);
  });
});
