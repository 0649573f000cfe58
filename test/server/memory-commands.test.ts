/** MEMORY: its fields are those of 7.0.15 and its sums are right; the texts say what is the case. */
import { afterEach, describe, expect, it } from 'vitest';
import { Connection } from '../harness/connection.ts';
import { closeAll, connectTo, startServer, Talker, until } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import type { Reply } from '../harness/reply.ts';

afterEach(closeAll);

/** Names and kinds of values of a reply that is a map or, in RESP2, a list of pairs. */
function shape(reply: Reply): string[] {
  const items = 'items' in reply ? (reply.items as Reply[]) : [];
  const lines: string[] = [];
  for (let i = 0; i < items.length; i += 2) {
    const [name, value] = [items[i]!, items[i + 1]!];
    const label = 'bytes' in name ? String(name.bytes) : name.kind;
    lines.push(`${label} ${value.kind}`);
    if ('items' in value) lines.push(...shape(value).map((line) => `  ${line}`));
  }
  return lines;
}

describeWithOracle('MEMORY next to redis-server', () => {
  it.each([2, 3] as const)('STATS has its fields, in its order, in RESP%i', async (version) => {
    await using reference = await startOracle();
    const oracle = await Connection.open(reference.port);
    const ours = await connectTo(await startServer(), version);
    try {
      if (version === 3) await oracle.call('HELLO', '3');
      for (const connection of [oracle, ours]) {
        await connection.call('SET', 'k', 'v');
        await connection.call('SELECT', '3');
        await connection.call('SET', 'k', 'v', 'EX', '100');
      }
      const wanted = shape(await oracle.call('MEMORY', 'STATS'));
      expect(wanted.length).toBeGreaterThan(30);
      expect(shape(await ours.call('MEMORY', 'STATS'))).toEqual(wanted);
    } finally {
      oracle.close();
    }
  });
});

describe('MEMORY', () => {
  it('STATS and INFO agree: overhead and data are all there is', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    for (let i = 0; i < 300; i++) await client.ask(`SET key:${i} ${'x'.repeat(i)} EX 1000`);
    const { parts, rest, databases } = server.memoryReports.stats();
    const of = new Map<string, number>([...parts, ...rest.map(([n, v]) => [n, v] as const)]);
    expect(of.get('overhead.total')! + of.get('dataset.bytes')!).toBe(of.get('total.allocated'));
    expect(of.get('keys.count')).toBe(300);
    expect(of.get('dataset.bytes')).toBeGreaterThan(300 * 150);
    expect(of.get('keys.bytes-per-key')).toBeGreaterThan(150);
    expect(databases).toEqual([{ index: 0, keys: expect.any(Number), expires: 4096 * 12 }]);
    expect(databases[0]!.keys).toBeGreaterThanOrEqual(512 * 4);
    const info = await client.ask('INFO memory');
    const figure = (name: string) => Number(new RegExp(` ${name}:(\\d+)`).exec(info)?.[1]);
    expect(figure('used_memory_overhead') + figure('used_memory_dataset')).toBe(
      figure('used_memory'),
    );
  });

  it('DOCTOR has nothing to say of little data, and finds what is wrong with more', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    expect(await client.ask('MEMORY DOCTOR')).toMatch(/too little data/);
    await client.ask(`SETRANGE big 30000000 x`);
    server.memory.sample();
    await client.ask('DEL big');
    await client.ask(`SETRANGE big 8000000 x`);
    expect(await client.ask('MEMORY DOCTOR')).toMatch(/Peak: at its peak this server used/);
  });

  it('MALLOC-STATS tells of each size of block', async () => {
    const client = await Talker.open(await startServer());
    await client.ask(`SET k ${'x'.repeat(100_000)}`);
    const text = await client.ask('MEMORY MALLOC-STATS');
    expect(text).toMatch(/bytes in blocks/);
    expect(text).toMatch(/own segment +1 +10\d{4} +1 +100\.0 %/);
  });

  it('PURGE gives what is kept for reuse back', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    const { arena } = server.keyspace;
    for (let i = 0; i < 4; i++) await client.ask(`SETRANGE big:${i} 6000000 x`);
    for (let i = 0; i < 4; i++) await client.ask(`DEL big:${i}`);
    expect(await client.ask('MEMORY PURGE')).toBe('+OK');
    expect(arena.reservedBytes).toBeLessThan(arena.usedBytes + (8 << 20));
  });

  it('large values that are freed in slices are counted', async () => {
    const server = await startServer();
    const client = await Talker.open(server);
    const members = Array.from({ length: 3000 }, (_, i) => `member:${i}`).join(' ');
    await client.ask(`SADD set ${members}`);
    await client.ask('DEL set');
    await until(() => !server.keyspace.hasGarbage);
    expect(await client.ask('INFO memory')).toMatch(
      /lazyfree_pending_objects:0 lazyfreed_objects:1\b/,
    );
  });
});
