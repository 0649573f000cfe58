/**
 * Ten million keys by pipelined SETs while a second client PINGs each millisecond: what does growth
 * (tables that double, segments that are added, garbage collections) cost the others?
 *
 * The loader is a process of its own, so that its work does not show up as a late PING. A PING that
 * is answered late also stands for those that could not be sent meanwhile (no coordinated omission).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { load } from './loader.ts';
import { Progress } from './progress.ts';
import { CONTESTANTS, type Contestant, infoNumber, residentBytes, start } from './servers.ts';
import { spread } from './statistics.ts';

const usage = `npm run bench -- growth [options]
  --keys N      keys (10000000)
  --servers a   respite, redis or both (respite,redis)
  --window N    SETs under way at once (500)`;

const PING_EVERY_MS = 1;

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '10000000' },
    servers: { type: 'string', default: CONTESTANTS.join(',') },
    window: { type: 'string', default: '500' },
    port: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
/** The forked loader: tells its parent how far it is. */
async function loadAsChild(port: number): Promise<void> {
  // Where cores are few, server and PINGs come first: it is not the scheduler that is measured.
  setPriority(10);
  let told = 0;
  await load({
    port,
    count: Number(values.keys),
    window: Number(values.window),
    onProgress: (done) => {
      if (done - told < 100_000) return;
      told = done;
      process.send?.(Math.round(done));
    },
  });
  process.disconnect();
}

async function run(who: Contestant): Promise<string> {
  const progress = new Progress();
  const keys = Number(values.keys);
  const delay = new LoopDelay();
  await using server = await start(who, delay.nodeArgs);
  const pinger = await server.connect();
  await pinger.call('PING');
  const began = performance.now();
  const loader = fork(fileURLToPath(import.meta.url), [
    ...['--port', String(server.port), '--keys', values.keys, '--window', values.window],
  ]);
  let shown = 0;
  loader.on('message', (done) => {
    if (typeof done !== 'number' || done < shown) return;
    shown = done + keys / 20;
    progress.show(`${who}: ${done} of ${keys} keys`);
  });
  const samples: number[] = [];
  let worstAt = 0;
  let worst = 0;
  for (const finished = exitOf(loader); !finished.value; ) {
    const sent = performance.now();
    await pinger.call('PING');
    const took = performance.now() - sent;
    if (took > worst) [worst, worstAt] = [took, sent - began];
    for (let ms = took; ms > 0; ms -= PING_EVERY_MS) samples.push(ms);
    if (took < PING_EVERY_MS) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const seconds = (performance.now() - began) / 1000;
  const size = Number(await pinger.text('DBSIZE'));
  const used = await infoNumber(pinger, 'used_memory');
  const resident = residentBytes(server.pid);
  pinger.close();
  await server.stop();
  progress.end();
  if (size !== keys) throw new Error(`${who} has ${size} keys, wanted ${keys}`);
  const { p50, p99, p999, max } = spread(samples);
  return [
    `${who}: ${keys} keys in ${seconds.toFixed(1)} s, ${Math.round(keys / seconds)}/s, used_memory ${mb(used)}, resident ${mb(resident)}`,
    `  PING meanwhile: p50 ${ms(p50)}, p99 ${ms(p99)}, p99.9 ${ms(p999)}, max ${ms(max)} (at ${(worstAt / 1000).toFixed(1)} s)`,
    ...(who === 'respite' ? [`  event loop delay of the server: ${delay.read()}`] : []),
  ].join('\n');
}

function exitOf(child: ChildProcess): { value: boolean } {
  const finished = { value: false };
  child.once('exit', (code) => {
    finished.value = true;
    if (code !== 0) throw new Error(`the loader failed with ${code}`);
  });
  return finished;
}

/** Has Node measure the event loop delay inside the server and write it down at its end. */
class LoopDelay {
  private readonly dir = mkdtempSync(path.join(tmpdir(), 'respite-bench-'));
  private readonly file = path.join(this.dir, 'delay.json');

  get nodeArgs(): readonly string[] {
    const script = path.join(this.dir, 'delay.mjs');
    writeFileSync(
      script,
      `import { writeFileSync } from 'node:fs';
       import { monitorEventLoopDelay } from 'node:perf_hooks';
       const delay = monitorEventLoopDelay({ resolution: 1 });
       delay.enable();
       process.once('exit', () => {
         const at = (share) => delay.percentile(share) / 1e6;
         const text = { p50: at(50), p99: at(99), p999: at(99.9), max: delay.max / 1e6 };
         writeFileSync(${JSON.stringify(this.file)}, JSON.stringify(text));
       });`,
    );
    return ['--import', script];
  }

  read(): string {
    try {
      const found: unknown = JSON.parse(readFileSync(this.file, 'utf8'));
      return Object.entries(found as Record<string, number>)
        .map(([name, value]) => `${name} ${ms(value)}`)
        .join(', ');
    } catch {
      return 'not recorded (the server did not end by itself)';
    } finally {
      rmSync(this.dir, { recursive: true, force: true });
    }
  }
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

if (values.help) {
  console.log(usage);
} else if (values.port !== undefined) {
  await loadAsChild(Number(values.port));
} else {
  for (const who of CONTESTANTS.filter((one) => values.servers.split(',').includes(one))) {
    console.log(await run(who));
  }
}
