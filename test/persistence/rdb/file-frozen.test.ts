/** A file written from a snapshot's frozen arena is the file of that moment, byte for byte. */
import { expect, it } from 'vitest';
import { FrozenKeyspace } from '../../../src/keyspace/frozen-keyspace.ts';
import { defaultWriteOptions, RdbFileWriter } from '../../../src/persistence/rdb/file-writer.ts';
import { InProcess } from '../../harness/in-process.ts';
import { randomFrom } from '../../util/float-texts.ts';
import { randomValue } from './random-values.ts';
import { sourceOf, write } from './spaces.ts';

it('a frozen keyspace is written as it was while the living one changes', () => {
  const random = randomFrom(11);
  const commands = new InProcess();
  for (let i = 0; i < 100; i++) {
    for (const argv of randomValue(random, i).commands) commands.call(...argv);
    if (i % 3 === 0) commands.call('PEXPIREAT', 'k', String(4e12 + i));
    commands.call('RENAME', 'k', `key ${i}`);
  }
  commands.call('HSET', 'timed', 'f', 'v', 'g', 'w');
  commands.call('HPEXPIREAT', 'timed', '4000000000000', 'FIELDS', '1', 'f');
  commands.call('XADD', 's', '5-1', 'f', 'v');
  commands.call('XADD', 's', 'IDMP', 'p', 'one', '*', 'f', 'v');
  commands.call('XGROUP', 'CREATE', 's', 'g', '0');
  commands.call('XREADGROUP', 'GROUP', 'g', 'me', 'STREAMS', 's', '>');
  commands.call('XNACK', 's', 'g', 'FAIL', 'IDS', '1', '5-1');
  const { keyspace } = commands.server;
  const expected = write(keyspace, { access: 'lru' });

  const snapshot = keyspace.snapshot();
  const { databases, nowMs } = sourceOf(keyspace);
  for (let i = 0; i < 100; i++) {
    commands.call(i % 2 === 0 ? 'DEL' : 'PERSIST', `key ${i}`);
    commands.call('SET', `other ${i}`, 'value');
  }
  commands.call('XADD', 's', '*', 'f', 'v');
  commands.call('HSET', 'timed', 'x', 'y');

  const frozen = FrozenKeyspace.open(snapshot.description());
  const pieces: Buffer[] = [];
  const writer = new RdbFileWriter(
    { tools: frozen.tools, databases, functions: [], nowMs },
    { ...defaultWriteOptions, access: 'lru' },
    (bytes) => {
      pieces.push(Buffer.from(bytes));
    },
  );
  writer.writeAll();
  const bytes = Buffer.concat(pieces);
  bytes.set(writer.fixedHeader(), 0);
  bytes.set(writer.fixedFooter(), bytes.length - 8);
  expect(writer.version).toBe(14);
  expect(bytes.equals(expected)).toBe(true);
  snapshot.release();
});
