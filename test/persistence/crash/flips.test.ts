/** Every bit of an RDB file changed, at start and by DEBUG RELOAD: refused, always. */
import { expect, it } from 'vitest';
import { BareServer, Inspector } from '../../harness/bare-server.ts';
import { SimulatedDisk } from '../../harness/simulated-disk.ts';
import { randomFrom } from '../../util/float-texts.ts';
import { count, LONG, SEED } from './tier.ts';

it('a single changed bit of an RDB file is found', async () => {
  const disk = new SimulatedDisk();
  const bare = new BareServer(disk);
  await bare.start();
  const random = randomFrom(SEED);
  for (let i = 0; i < 12; i++) {
    bare.run(`SET s${i} ${i}`, `RPUSH l ${i} e`, `HSET h f${i} v`, `SADD t m${i} ${i}`);
    bare.run(`ZADD z ${i} m${i}`, `XADD x ${i + 1}-1 f v`, `SET e${i} v EXAT 4000000000`);
  }
  // What cannot be compressed makes up the size.
  const noise = () => random().toString(36).slice(2, 12);
  const bytesWanted = LONG ? 16_384 : 1200;
  for (let size = 900; size < bytesWanted; size += 40) {
    bare.run(`SET ${noise()} ${noise()}${noise()}${noise()}`);
  }
  expect(bare.server.persistence.saveNow()).toBe(true);
  const bytes = disk.read('/dump.rdb');
  const inspector = new Inspector();
  expect(inspector.rdbDigest(disk)).toBe(bare.digest());
  const step = LONG ? 1 : 7;
  let flips = 0;
  for (let bit = 0; bit < bytes.length * 8; bit += step) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    const state = new SimulatedDisk();
    state.put('/dump.rdb', changed);
    expect(() => inspector.rdbDigest(state), `bit ${bit}`).toThrow();
    flips++;
  }
  count('changed bits of an RDB file', flips);
});

it('what a power cut leaves of a SAVE is the old file or the new one', async () => {
  const disk = new SimulatedDisk();
  const bare = new BareServer(disk);
  await bare.start();
  const inspector = new Inspector();
  const random = randomFrom(SEED + 5);
  const known = [bare.digest()];
  let states = 0;
  let saved = 0;
  disk.onCall = () => {
    for (const state of disk.crashStates(LONG ? 40 : 12, random)) {
      const digest = state.exists('/dump.rdb') ? inspector.rdbDigest(state) : known[0]!;
      expect(known.indexOf(digest)).toBeGreaterThanOrEqual(saved);
      states++;
    }
  };
  for (let i = 1; i <= (LONG ? 40 : 4); i++) {
    bare.run(`SET k${i} ${'v'.repeat(i * 10)}`, `HSET h f${i} v`);
    known.push(bare.digest());
    expect(bare.server.persistence.saveNow()).toBe(true);
    saved = i;
  }
  count('states of the disk', states);
});
