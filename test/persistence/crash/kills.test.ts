/** SIGKILL under load: nothing acknowledged is lost under any policy, in whatever is going on. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { oracleProblem } from '../../harness/oracle.ts';
import { randomFrom } from '../../util/float-texts.ts';
import { runKills } from './kills.ts';
import { count, LONG, SEED } from './tier.ts';

const KILLS = LONG ? 170 : 2;

for (const [i, policy] of (['always', 'everysec', 'no'] as const).entries()) {
  it(`appendfsync ${policy}: no acknowledged write is lost`, async () => {
    await runKills({
      policy,
      kills: KILLS,
      random: randomFrom(SEED + 20 + i),
      disturb: ['PING', 'BGREWRITEAOF', 'BGSAVE'],
      ...(oracleProblem === undefined ? { checker: checkFiles } : {}),
    });
    count('kills under load', KILLS);
  });
}

/** redis-check-aof reads what a kill has left: whole, or with a tail that is torn. */
function checkFiles(dir: string): void {
  const files = path.join(dir, 'appendonlydir');
  const manifest = readdirSync(files).find((name) => name.endsWith('.manifest'))!;
  const { status, stdout } = spawnSync('redis-check-aof', [path.join(files, manifest)], {
    encoding: 'utf8',
  });
  const isTorn = /AOF .*is not valid|Use the --fix|truncat/i.test(stdout);
  expect(status === 0 || isTorn, stdout).toBe(true);
  expect(stdout).not.toMatch(/Expected prefix|Unexpected EOF reading RDB|CRC/);
}
