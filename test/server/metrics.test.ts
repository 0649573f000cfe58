/**
 * /metrics, /healthz and /readyz: names are those of redis_exporter where that is installed
 * (Debian: prometheus-redis-exporter), figures are those of INFO, a scrape is brief.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ListenError } from '../../src/net/listen-error.ts';
import { CommandError } from '../../src/util/errors.ts';
import { closeAll, connectTo, startServer } from '../harness/in-process-server.ts';

afterEach(closeAll);

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function start(directives: Record<string, string> = {}) {
  const port = await freePort();
  const server = await startServer({ 'metrics-port': String(port), ...directives });
  return { server, port, url: `http://127.0.0.1:${port}` };
}

/** Samples by their name and labels. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

describe('metrics', () => {
  it('tells figures of INFO and what commands took', async () => {
    const { server, url } = await start();
    const client = await connectTo(server);
    for (let i = 0; i < 50; i++) await client.call('SET', `k${i}`, 'v', 'EX', '100');
    await client.call('GET', 'k1');
    await client.call('LPUSH', 'k1', 'x');
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const text = await response.text();
    const samples = samplesOf(text);
    expect([...samples.values()].every(Number.isFinite)).toBe(true);
    expect(samples.get('redis_up')).toBe(1);
    expect(samples.get('redis_connected_clients')).toBe(1);
    expect(samples.get('redis_commands_total{cmd="set"}')).toBe(50);
    expect(samples.get('redis_commands_failed_calls_total{cmd="lpush"}')).toBe(1);
    expect(samples.get('redis_errors_total{err="WRONGTYPE"}')).toBe(1);
    expect(samples.get('redis_db_keys{db="db0"}')).toBe(50);
    expect(samples.get('redis_db_keys_expiring{db="db0"}')).toBe(50);
    expect(samples.get('redis_db_avg_ttl_seconds{db="db0"}')).toBeGreaterThan(50);
    expect(samples.get('redis_commands_latencies_usec_bucket{cmd="set",le="+Inf"}')).toBe(50);
    expect(samples.get('redis_commands_latencies_usec_count{cmd="set"}')).toBe(50);
    const buckets = [...samples].filter(([name]) => name.includes('_bucket{cmd="set"'));
    expect(buckets).toHaveLength(22);
    expect(buckets.map(([, calls]) => calls)).toEqual(
      buckets.map(([, calls]) => calls).sort((a, b) => a - b),
    );
    // A family has one TYPE line, and all of its samples follow it.
    const types = [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]);
    expect(new Set(types).size).toBe(types.length);
  });

  it('speaks OpenMetrics to those who ask for it', async () => {
    const { url } = await start();
    const accept = 'application/openmetrics-text; version=1.0.0';
    const response = await fetch(`${url}/metrics`, { headers: { accept } });
    expect(response.headers.get('content-type')).toContain('application/openmetrics-text');
    const text = await response.text();
    expect(text).toMatch(/\n# EOF\n$/);
    expect(text).toContain('# TYPE redis_commands_processed counter\n');
    expect(text).toContain('\nredis_commands_processed_total ');
    for (const [, name] of text.matchAll(/^# TYPE (\S+) counter$/gm)) {
      expect(text).toMatch(new RegExp(`(?:^${name}_total[ {])|${name} counter\n(?:#|$)`, 'm'));
    }
  });

  it('answers probes: ready is who has loaded and can write', async () => {
    const { server, url } = await start();
    const ask = async (path: string) => {
      const response = await fetch(url + path);
      return [response.status, await response.text()];
    };
    expect(await ask('/healthz')).toEqual([200, 'ok\n']);
    expect(await ask('/readyz')).toEqual([200, 'ok\n']);
    server.gates.isLoading = true;
    expect(await ask('/readyz')).toEqual([503, 'the data is being loaded\n']);
    server.gates.isLoading = false;
    // The cron knows of a disk that is well.
    server.cron.isPaused = true;
    server.gates.diskRefusal = new CommandError('MISCONF the disk');
    expect(await ask('/readyz')).toEqual([503, 'MISCONF the disk\n']);
    expect(await ask('/healthz')).toEqual([200, 'ok\n']);
    server.gates.diskRefusal = undefined;
    const client = await connectTo(server);
    await client.call('REPLICAOF', '127.0.0.1', '1');
    expect(await ask('/readyz')).toEqual([503, 'the link to the master is down\n']);
    await client.call('REPLICAOF', 'NO', 'ONE');
    expect((await ask('/nosuch'))[0]).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
    expect(await (await fetch(`${url}/metrics`, { method: 'HEAD' })).text()).toBe('');
  });

  it('a port in use ends the start, and closing frees it', async () => {
    const { server, port } = await start();
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    const second = startServer({ 'metrics-port': String(port) }, { log });
    await expect(second).rejects.toThrow(ListenError);
    expect(lines.at(-1)).toContain(`Cannot listen for metrics at 127.0.0.1:${port}`);
    await server.close();
    await startServer({ 'metrics-port': String(port) });
  });

  it('metrics-bind takes the words of bind: all addresses, those that may be missing', async () => {
    const { server, url } = await start({ 'metrics-bind': '* -192.0.2.1' });
    const answers = async () => (await fetch(`${url}/healthz`)).status;
    expect(await answers()).toBe(200);
    const client = await connectTo(server);
    for (const words of ['127.0.0.1 -192.0.2.1', '*']) {
      expect(await client.text('CONFIG', 'SET', 'metrics-bind', words)).toBe('OK');
      expect(await answers()).toBe(200);
    }
    await expect(start({ 'metrics-bind': '192.0.2.1' })).rejects.toThrow(ListenError);
  });

  it('CONFIG SET moves them, or leaves them where they are', async () => {
    const { server, port, url } = await start();
    const client = await connectTo(server);
    const answers = async (from: string) => (await fetch(`${from}/healthz`)).status;
    for (const name of ['metrics-port', 'metrics-bind']) {
      expect(await client.text('CONFIG', 'SET', name, server.config.string(name))).toBe('OK');
      expect(await answers(url)).toBe(200);
    }
    const next = await freePort();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const busy = String((taken.address() as { port: number }).port);
    for (const words of [
      ['metrics-port', busy],
      ['metrics-bind', '127.0.0.1 host.invalid', 'metrics-port', String(next)],
    ]) {
      const { kind } = await client.call('CONFIG', 'SET', 'hz', '20', ...words);
      expect(kind, words.join(' ')).toBe('error');
      expect(await answers(url)).toBe(200);
      expect(server.config.string('metrics-port')).toBe(String(port));
      expect(server.config.string('metrics-bind')).toBe('127.0.0.1');
      expect(server.config.number('hz')).toBe(10);
    }
    await new Promise((resolve) => taken.close(resolve));
    expect(await client.text('CONFIG', 'SET', 'metrics-port', String(next))).toBe('OK');
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    expect(await answers(`http://127.0.0.1:${next}`)).toBe(200);
    await client.call('CONFIG', 'SET', 'metrics-port', '0');
    await expect(fetch(`http://127.0.0.1:${next}/healthz`)).rejects.toThrow();
    await client.call('CONFIG', 'SET', 'metrics-bind', 'localhost', 'metrics-port', String(port));
    expect(await answers(url)).toBe(200);
  });

  const exporter = 'prometheus-redis-exporter';
  const isThere = spawnSync(exporter, ['--version']).error === undefined;
  if (!isThere) console.warn(`SKIPPED: ${exporter} is not installed (apt-get install ${exporter})`);

  it.skipIf(!isThere)('has the names of redis_exporter, which can read this server', async () => {
    const { server, url } = await start();
    const client = await connectTo(server);
    await client.call('SET', 'k', 'v');
    await client.call('GET', 'k', 'v');
    const port = await freePort();
    const options = ['-redis.addr', server.port, '-web.listen-address', `127.0.0.1:${port}`];
    options[1] = `redis://127.0.0.1:${server.port}`;
    const child = spawn(exporter, options.map(String), { stdio: 'ignore' });
    try {
      let text = '';
      while (text === '') {
        text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
          (response) => response.text(),
          () => '',
        );
      }
      const own = /^redis_(exporter|target_scrape|last_key_groups)/;
      const families = (from: string) =>
        new Set(
          [...from.matchAll(/^(redis_\w+?)[ {]/gm)]
            .map((match) => match[1]!)
            .filter((name) => !own.test(name)),
        );
      const ours = families(await (await fetch(`${url}/metrics`)).text());
      expect([...families(text)].filter((name) => !ours.has(name))).toEqual([]);
      expect(text).toContain('redis_exporter_last_scrape_error{err=""} 0');
    } finally {
      child.kill();
    }
  });
});
