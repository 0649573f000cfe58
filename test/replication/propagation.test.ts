/**
 * The stream is the journal, encoded: whatever way a unit takes into the backlog, its bytes are those
 * that the encoder of the append-only file makes of it.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Journal, Target } from '../../src/keyspace/journal.ts';
import { EffectEncoder } from '../../src/persistence/aof/effect-encoder.ts';
import { Backlog } from '../../src/replication/backlog.ts';
import { ReplicationIdentity } from '../../src/replication/identity.ts';
import { Propagation } from '../../src/replication/propagation.ts';
import { RequestParser } from '../../src/resp/request-parser.ts';
import { Args } from '../../src/util/args.ts';
import { encodeCommand } from '../harness/reply.ts';

const line = fc.record({
  db: fc.nat(2),
  targets: fc.constantFrom(Target.all, Target.all, Target.replicas, Target.file),
  words: fc.array(fc.oneof(fc.string({ maxLength: 10 }), fc.string({ maxLength: 9000 })), {
    minLength: 1,
    maxLength: 12,
  }),
});
const units = fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { maxLength: 40 });

it('units of any lines are in the stream as the encoder writes them', () => {
  fc.assert(
    fc.property(units, (list) => {
      const journal = new Journal();
      const identity = new ReplicationIdentity();
      const backlog = new Backlog(identity, 64 * 1024 * 1024);
      const cursor = backlog.cursorAtEnd();
      const propagation = new Propagation(journal, () => {});
      propagation.open(backlog);
      const encoder = new EffectEncoder(Target.replicas);
      journal.add({ unit: (unit) => encoder.append(unit) });
      for (const unit of list) {
        for (const { db, targets, words } of unit) {
          const effect = journal.line(db, words[0]!, targets);
          for (const word of words.slice(1)) effect.text(word);
        }
        journal.endUnit();
      }
      const chunks: Buffer[] = [];
      while (
        cursor.read((buf, from, end) => {
          chunks.push(Buffer.from(buf.subarray(from, end)));
          return end - from;
        })
      );
      const expected = encoder.buf.subarray(0, encoder.length);
      expect(Buffer.concat(chunks).equals(expected)).toBe(true);
      expect(identity.offset).toBe(expected.length);
    }),
    { numRuns: 150 },
  );
});

it('a command that is read where its client put it is in the stream like a copied one', () => {
  fc.assert(
    fc.property(units, (list) => {
      const streams = [true, false].map((stay) => {
        const journal = new Journal();
        const encoder = new EffectEncoder(Target.replicas);
        journal.add({ unit: (unit) => encoder.append(unit) });
        for (const [first, ...rest] of list) {
          const parser = new RequestParser();
          const chunk = Buffer.concat([
            Buffer.from('*1\r\n$4\r\nPING\r\n'),
            encodeCommand(first!.words),
          ]);
          parser.push(chunk, 0, chunk.length);
          const args = new Args();
          parser.next(args);
          parser.next(args);
          journal.command(first!.db, args, first!.targets, stay);
          for (const { db, targets, words } of rest) {
            const effect = journal.line(db, words[0]!, targets);
            // From here on the journal must have its own.
            args.buf.fill(0);
            for (const word of words.slice(1)) effect.text(word);
          }
          journal.endUnit();
          args.buf.fill(0);
        }
        return Buffer.from(encoder.buf.subarray(0, encoder.length));
      });
      expect(streams[0]!.equals(streams[1]!)).toBe(true);
    }),
    { numRuns: 100 },
  );
});
