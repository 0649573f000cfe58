/** A script of an append-only file that takes long ends before the next command of the file. */
import { expect, it } from 'vitest';
import { BareServer } from '../harness/bare-server.ts';
import { SimulatedDisk } from '../harness/simulated-disk.ts';

const line = (...argv: string[]) =>
  `*${argv.length}\r\n${argv.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;

const script =
  "redis.call('append', KEYS[1], 'a') for i = 1, 300000 do redis.call('ping') end " +
  "redis.call('append', KEYS[1], 'b')";

function diskWith(...commands: string[]): SimulatedDisk {
  const disk = new SimulatedDisk();
  disk.makeDirectory('/appendonlydir');
  const directory = '/appendonlydir/appendonly.aof';
  disk.put(`${directory}.1.incr.aof`, Buffer.from(commands.join('')));
  disk.put(`${directory}.manifest`, Buffer.from('file appendonly.aof.1.incr.aof seq 1 type i\n'));
  return disk;
}

const files: readonly (readonly [what: string, commands: readonly string[]])[] = [
  ['on its own', [line('EVAL', script, '1', 'k')]],
  ['in a transaction', [line('MULTI'), line('EVAL', script, '1', 'k'), line('EXEC')]],
];

for (const [what, commands] of files) {
  it(`${what}: what follows it finds what it has written`, async () => {
    const disk = diskWith(line('SELECT', '0'), ...commands, line('APPEND', 'k', 'c'));
    const bare = new BareServer(disk, { appendonly: 'yes', 'busy-reply-threshold': '1' });
    await bare.start();
    const { keyspace } = bare.server;
    const db = keyspace.dbs[0]!;
    db.locateString(db.find(Buffer.from('k'), 0, 1));
    const value = db.valueBuf.subarray(db.valueOff, db.valueOff + db.valueLen);
    expect(Buffer.from(value).toString()).toBe('abc');
    expect(bare.server.executor.isBusy).toBe(false);
    expect(bare.server.gates.busy).toBeUndefined();
    expect(bare.logged.filter((text) => text.includes('Slow script detected'))).toHaveLength(1);
    bare.server.close();
  });
}
