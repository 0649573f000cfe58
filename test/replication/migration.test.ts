/**
 * docs/migration.md is true: its blocks are run as they stand there, by a shell with redis-cli,
 * while a client writes. Nothing that was acknowledged is lost in either direction.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { Connection } from '../harness/connection.ts';
import { describeWithOracle } from '../harness/oracle.ts';
import { textOf } from '../harness/reply.ts';
import { closeNodes, Node, nodes, sameData } from '../harness/topology.ts';

const page = readFileSync(path.join(import.meta.dirname, '../../docs/migration.md'), 'utf8');
const shell = promisify(execFile);

afterEach(closeNodes);

/** The blocks of a language, in their order. */
function blocks(language: string): string[] {
  return [...page.matchAll(/```(\w+)\n(.*?)```/gs)]
    .filter(([, name]) => name === language)
    .map(([, , text]) => text!);
}

/** Writes numbers to whichever server is the master, until it is told to end. */
class Writer {
  readonly written: number[] = [];
  isEnding = false;
  readonly done: Promise<void>;
  private readonly ports: readonly number[];

  constructor(ports: readonly number[]) {
    this.ports = ports;
    this.done = this.run();
  }

  private async run(): Promise<void> {
    let n = 0;
    let at = 0;
    let connection: Connection | undefined;
    while (!this.isEnding) {
      try {
        if (connection?.isOpen !== true) {
          connection = await Connection.open(this.ports[at]!);
          await connection.call('AUTH', 'secret');
        }
        n++;
        const reply = await connection.call('SET', `n:${n}`, 'x');
        if (textOf(reply) === 'OK') this.written.push(n);
        else throw new Error(textOf(reply));
      } catch {
        connection?.close();
        connection = undefined;
        at = 1 - at;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
    connection?.close();
  }
}

describeWithOracle('the migration guide', () => {
  it('leads from Redis to respite and back without the loss of a write', {
    timeout: 60_000,
  }, async () => {
    const redis = await Node.start('redis', ['requirepass secret']);
    nodes.push(redis);
    redis.password = 'secret';
    await redis.say('SET before 1');
    const [configuration = ''] = blocks('conf');
    const lines = configuration.trim().split('\n');
    const respite = await Node.start(
      'respite',
      lines
        .filter((line) => !line.startsWith('port'))
        .map((line) => line.replace('6379', String(redis.port))),
    );
    nodes.push(respite);
    respite.password = 'secret';
    const writer = new Writer([redis.port, respite.port]);
    const steps = blocks('sh').map((block) =>
      block.replaceAll('6379', String(redis.port)).replaceAll('6380', String(respite.port)),
    );
    expect(steps.length).toBeGreaterThan(4);
    const roles: string[] = [];
    for (const step of steps) {
      const { stdout } = await shell('bash', ['-e', '-u', '-o', 'pipefail', '-c', step], {
        env: { ...process.env, REDISCLI_AUTH: 'secret' },
        timeout: 30_000,
      });
      expect(stdout, step).not.toMatch(/^(ERR|NOAUTH|READONLY|WRONGPASS)/m);
      roles.push(`${await redis.info('role')} ${await respite.info('role')}`);
    }
    writer.isEnding = true;
    await writer.done;
    expect(roles.at(0)).toBe('master slave');
    expect(roles).toContain('slave master');
    expect(roles.at(-1)).toBe('master slave');
    await sameData(redis, respite);
    const { written } = writer;
    expect(written.length).toBeGreaterThan(100);
    const found = await redis.ask('EXISTS', ...written.map((n) => `n:${n}`), 'before');
    expect(found).toBe(`(integer) ${written.length + 1}`);
    // Only one full sync in all of it.
    const syncs = Number(await redis.info('sync_full')) + Number(await respite.info('sync_full'));
    expect(syncs).toBe(1);
  });
});
