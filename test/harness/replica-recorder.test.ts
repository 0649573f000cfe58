/** The recorder of a redis-server's stream: what it is told, grouped as the server grouped it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Connection } from './connection.ts';
import { showUnit } from './effects.ts';
import { describeWithOracle, startOracle } from './oracle.ts';
import { ReplicaRecorder } from './replica-recorder.ts';
import type { ServerProcess } from './server-process.ts';

describeWithOracle('the recorder of a stream', () => {
  let oracle: ServerProcess;
  let client: Connection;
  let recorder: ReplicaRecorder;

  beforeAll(async () => {
    oracle = await startOracle(['--repl-ping-replica-period', '1']);
    client = await Connection.open(oracle.port);
    await client.text('SET', 'before', 'x'.repeat(100_000));
    recorder = await ReplicaRecorder.open(oracle.port);
  });
  afterAll(async () => {
    recorder.close();
    client.close();
    await oracle.stop('SIGKILL');
  });

  async function effects(...lines: string[]): Promise<string[]> {
    for (const line of lines) await client.call(...line.split(' '));
    return (await recorder.take()).map(showUnit);
  }

  it('tells effects, not what was there before or was only read', async () => {
    expect(await effects('GET before', 'SET k v EX 0', 'DEL nothing')).toEqual([]);
    expect(await effects('set k v', 'INCRBYFLOAT f 1.5')).toEqual(['set k v', 'SET f 1.5 KEEPTTL']);
  });

  it('tells databases and groups what belongs together', async () => {
    expect(
      await effects('SELECT 3', 'SET a 1', 'MULTI', 'INCR a', 'SELECT 0', 'INCR b', 'EXEC'),
    ).toEqual(['[db 3] SET a 1', 'MULTI [db 3] INCR a | INCR b EXEC']);
    expect(
      await effects('SADD s 1 2 3 4', 'SPOP s 4', 'LPUSH l x', 'LMOVE l m LEFT RIGHT'),
    ).toEqual(['SADD s 1 2 3 4', 'DEL s', 'LPUSH l x', 'LMOVE l m LEFT RIGHT']);
  });

  it('goes on where it was when it is hung up on', async () => {
    await client.text('SET', 'one', '1');
    expect(await client.call('CLIENT', 'KILL', 'TYPE', 'replica')).toMatchObject({
      kind: 'integer',
    });
    expect(await effects('SET two 2')).toEqual(['SET one 1', 'SET two 2']);
  });
});
