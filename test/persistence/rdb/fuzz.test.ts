/**
 * Damaged payloads of every type: RESTORE refuses them or makes a sound value, on which random
 * traffic runs. Never an internal error, a hang, or memory that is not given back.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ValueType } from '../../../src/datatypes/value-types.ts';
import type { Server } from '../../../src/server/server.ts';
import type { Connection } from '../../harness/connection.ts';
import { closeAll, connectTo, startServer } from '../../harness/in-process-server.ts';
import { type Reply, textOf } from '../../harness/reply.ts';
import { splitWords } from '../../harness/script.ts';
import { SEED } from '../../harness/seed.ts';
import { between, randomFrom } from '../../util/float-texts.ts';
import { bodyOf, mutate, payloadOf } from './mutations.ts';
import { type Argv, randomValue } from './random-values.ts';
import { trafficFor } from './traffic.ts';

const PAYLOADS = process.env['RESPITE_FULL'] === '1' ? 100_000 : 2000;

/** Sound values of each kind to start from. */
const VALUES = 140;
const LARGEST = 3000;
const scripts = path.resolve(import.meta.dirname, '../../differential/scripts/dump-formats.txt');

describe('damaged payloads', () => {
  const problems: string[] = [];
  let server: Server;
  let connection: Connection;

  beforeAll(async () => {
    const directives = { 'enable-debug-command': 'yes', rdbcompression: 'no' };
    server = await startServer(directives, {
      log: (line) => {
        problems.push(line);
      },
      exit: (code) => {
        problems.push(`exit ${code}`);
      },
    });
    connection = await connectTo(server);
  });
  afterAll(closeAll);

  async function all(commands: readonly Argv[]): Promise<Reply[]> {
    for (const argv of commands) connection.send(...argv);
    const replies: Reply[] = [];
    for (const argv of commands) {
      const { reply } = await connection.receive();
      if (reply.kind === 'error' && reply.bytes.includes('internal error')) {
        throw new Error(`${argv.map(String).join(' ')}\n${problems.slice(-12).join('\n')}`);
      }
      replies.push(reply);
    }
    return replies;
  }

  /** Bodies of sound payloads: values made here, and all formats of the script. */
  async function soundBodies(random: () => number): Promise<Buffer[]> {
    const bodies: Buffer[] = [];
    for (let i = 0; i < VALUES; i++) {
      await all([['FLUSHALL'], ...randomValue(random, i).commands]);
      const compress = random() < 0.2 ? 'yes' : 'no';
      await all([['CONFIG', 'SET', 'rdbcompression', compress]]);
      const [reply] = await all([['DUMP', 'k']]);
      if (reply?.kind === 'bulk') bodies.push(bodyOf(reply.bytes));
    }
    for (const line of readFileSync(scripts, 'utf8').split('\n')) {
      const words = line.startsWith('RESTORE k 0 "') ? splitWords(line) : undefined;
      const payload = words?.[3];
      if (payload !== undefined) bodies.push(bodyOf(Buffer.from(payload, 'latin1')));
    }
    return bodies.filter(({ length }) => length <= LARGEST);
  }

  function checkInvariants(): void {
    const { keyspace } = server;
    for (const db of keyspace.dbs) {
      keyspace.dict.checkInvariants(db.root);
      db.forEach((entry) => {
        const type = db.typeOf(entry);
        if (type === ValueType.string) return;
        const value = keyspace.cursor(type);
        db.open(entry, value);
        value.checkInvariants();
        if (type !== ValueType.stream && value.size === 0) throw new Error('an empty value');
      });
    }
  }

  /** What is at `k` survives DUMP and RESTORE. */
  async function checkCopy(): Promise<void> {
    const digest = (key: string) => ['DEBUG', 'DIGEST-VALUE', key];
    const [, payload, expected] = await all([['PERSIST', 'k'], ['DUMP', 'k'], digest('k')]);
    if (payload?.kind !== 'bulk') return;
    await all([['RESTORE', 'again', '0', payload.bytes, 'REPLACE']]);
    expect((await all([digest('again')]))[0]).toEqual(expected);
  }

  async function usedBytes(): Promise<number> {
    await all([['FLUSHALL', 'SYNC']]);
    while (server.keyspace.freeGarbage(1000));
    return server.keyspace.usedBytes;
  }

  it(`do no harm, ${PAYLOADS} of them`, { timeout: 1_800_000 }, async () => {
    const random = randomFrom(SEED);
    const bodies = await soundBodies(random);
    expect(bodies.length).toBeGreaterThan(100);
    const before = await usedBytes();
    let accepted = 0;
    for (let i = 0; i < PAYLOADS; i++) {
      const body = mutate(bodies[between(random, 0, bodies.length - 1)]!, random, bodies);
      const note = `RESPITE_SEED=${SEED}, payload ${i}: ${body.toString('hex')}`;
      try {
        const [restored] = await all([['RESTORE', 'k', '0', payloadOf(body, 12), 'REPLACE']]);
        if (restored?.kind === 'simple') {
          accepted++;
          checkInvariants();
          for (const commands of trafficFor(body[0]!, random)) {
            await all(commands);
            checkInvariants();
          }
          await checkCopy();
          await all([['DEL', 'k', 'again', 'copy']]);
        }
        if (i % 50 === 49 || i === PAYLOADS - 1) expect(await usedBytes()).toBe(before);
      } catch (error) {
        throw new Error(`${note}\n${error instanceof Error ? error.stack : error}`);
      }
    }
    expect(problems.filter((line) => line.includes('exit'))).toEqual([]);
    expect(accepted).toBeGreaterThan(PAYLOADS / 20);
  });

  it('are refused wherever a sound one is cut off', async () => {
    const random = randomFrom(SEED + 1);
    const bodies = await soundBodies(random);
    const before = await usedBytes();
    for (const body of bodies.filter(({ length }) => length < 400)) {
      const commands = Array.from({ length: body.length }, (_, n): Argv => {
        return ['RESTORE', 'k', '0', payloadOf(body.subarray(0, n))];
      });
      const replies = await all(commands);
      replies.forEach((reply, n) => {
        const note = `RESPITE_SEED=${SEED}: ${body.toString('hex')} cut at ${n}`;
        expect(textOf(reply), note).toBe('ERR Bad data format');
      });
    }
    expect(await usedBytes()).toBe(before);
  });
});
