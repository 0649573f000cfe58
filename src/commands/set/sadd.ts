/**
 * Adding, removing and moving members: SADD, SREM, SMOVE.
 */
import { sameArgument } from '../../util/args.ts';
import { command, keyAt } from '../spec.ts';

/** SADD key member [member ...] */
export const sadd = command({
  name: 'sadd',
  arity: -3,
  group: 'set',
  since: '1.0.0',
  summary: 'Adds members to a set and returns how many are new.',
  complexity: 'O(N) where N is the number of members to add.',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'insert')],
  member: 2,
  syntax: 'key member [member ...]',

  run(ctx, args, reply) {
    const { db } = ctx;
    const { sets } = ctx.keyspace;
    let entry = db.writeValue(args, 1, sets);
    if (entry === 0) {
      sets.createFor(args.buf, args.off[2]!, args.len[2]!);
      entry = db.addValue(args, 1, sets);
    }
    let added = 0;
    for (let i = 2; i < args.argc; i++) {
      if (sets.add(args.buf, args.off[i]!, args.len[i]!)) added++;
    }
    if (added > 0) ctx.changedValue('sadd', entry, sets, args, 1, added);
    reply.int(added);
  },
});

/** SREM key member [member ...] */
export const srem = command({
  name: 'srem',
  arity: -3,
  group: 'set',
  since: '1.0.0',
  summary: 'Removes members and returns how many there were; the key goes with the last one.',
  complexity: 'O(N) where N is the number of members to remove.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'delete')],
  member: 2,
  syntax: 'key member [member ...]',

  run(ctx, args, reply) {
    const { sets } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 1, sets);
    let removed = 0;
    if (entry !== 0) {
      for (let i = 2; i < args.argc; i++) {
        if (sets.delete(args.buf, args.off[i]!, args.len[i]!)) removed++;
      }
      if (removed > 0) ctx.changedValue('srem', entry, sets, args, 1, removed);
    }
    reply.int(removed);
  },
});

/** SMOVE source destination member */
export const smove = command({
  name: 'smove',
  arity: 4,
  group: 'set',
  since: '1.0.0',
  summary: 'Moves a member from one set to another.',
  complexity: 'O(1)',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'delete'), keyAt(2, 'RW', 'insert')],
  syntax: 'source:key destination:key member',

  run(ctx, args, reply) {
    const { db, keyspace } = ctx;
    const { sets } = keyspace;
    const { buf } = args;
    const off = args.off[3]!;
    const len = args.len[3]!;
    const entry = db.writeValue(args, 1, sets);
    if (entry === 0) {
      reply.int(0);
      return;
    }
    const target = keyspace.otherSets;
    let targetEntry = db.writeValue(args, 2, target);
    if (sameArgument(args, 1, 2)) {
      reply.int(sets.has(buf, off, len) ? 1 : 0);
      return;
    }
    if (!sets.has(buf, off, len)) {
      reply.int(0);
      return;
    }
    // It is put there before it is taken away: where there is no room, it stays where it is.
    const isNewKey = targetEntry === 0;
    if (isNewKey) {
      target.createFor(buf, off, len);
      targetEntry = db.addUnannounced(args, 2, target);
    }
    const isNew = target.add(buf, off, len);
    sets.delete(buf, off, len);
    ctx.changedValue('srem', entry, sets, args, 1, 1);
    if (isNewKey) db.announceNewKey(buf, args.off[2]!, args.len[2]!);
    if (isNew) ctx.changedValue('sadd', targetEntry, target, args, 2);
    reply.int(1);
  },
});
