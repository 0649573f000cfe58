/**
 * Giving a value another name or place: RENAME, RENAMENX, MOVE, COPY.
 */
import type { Db } from '../../keyspace/db.ts';
import { type Args, sameArgument } from '../../util/args.ts';
import { errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { grammar } from '../grammar.ts';
import { int32Argument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';

/** The database that argument i names by its number. */
function databaseArgument(ctx: Context, args: Args, i: number): Db {
  const db = ctx.keyspace.dbs[int32Argument(args, i)];
  if (db === undefined) throw errors.dbIndexOutOfRange;
  return db;
}

/** Moves argument `from` of one database over argument `to` of another. */
function moveValue(args: Args, source: Db, from: number, target: Db, to: number): void {
  const entry = source.find(args.buf, args.off[from]!, args.len[from]!);
  const present = target.find(args.buf, args.off[to]!, args.len[to]!);
  // In this order: where there is no room for the new entry, nothing has changed.
  target.adopt(source, entry, args.buf, args.off[to]!, args.len[to]!);
  if (present !== 0) target.removeEntry(present);
}

function renameKey(ctx: Context, args: Args, overwrite: boolean): boolean {
  const { db } = ctx;
  if (db.write(args, 1) === 0) throw errors.noSuchKey;
  if (sameArgument(args, 1, 2)) return overwrite;
  if (!overwrite && db.write(args, 2) !== 0) return false;
  moveValue(args, db, 1, db, 2);
  ctx.changed('rename_from', args, 1);
  ctx.changed('rename_to', args, 2, 0);
  return true;
}

/** RENAME key newkey */
export const rename = command({
  name: 'rename',
  arity: 3,
  group: 'generic',
  since: '1.0.0',
  summary: 'Gives a key another name; what had that name is removed.',
  complexity: 'O(1), plus the removal of a large value.',
  flags: ['write'],
  keys: [keyAt(1, 'RW', 'access', 'delete'), keyAt(2, 'OW', 'update')],
  syntax: 'key newkey:key',

  run(ctx, args, reply) {
    renameKey(ctx, args, true);
    reply.ok();
  },
});

/** RENAMENX key newkey */
export const renamenx = command({
  name: 'renamenx',
  arity: 3,
  group: 'generic',
  since: '1.0.0',
  summary: 'Gives a key another name unless that name is taken.',
  complexity: 'O(1)',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'delete'), keyAt(2, 'OW', 'insert')],
  syntax: 'key newkey:key',

  run(ctx, args, reply) {
    reply.int(renameKey(ctx, args, false) ? 1 : 0);
  },
});

/** MOVE key db */
export const move = command({
  name: 'move',
  arity: 3,
  group: 'generic',
  since: '1.0.0',
  summary: 'Moves a key to another database unless the name is taken there.',
  complexity: 'O(1)',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'access', 'update')],
  syntax: 'key db:integer',

  run(ctx, args, reply) {
    const { db } = ctx;
    const target = databaseArgument(ctx, args, 2);
    if (target === db) throw errors.sameObject;
    const missing = db.write(args, 1) === 0;
    if (missing || target.find(args.buf, args.off[1]!, args.len[1]!) !== 0) {
      reply.int(0);
      return;
    }
    moveValue(args, db, 1, target, 1);
    ctx.changed('move_from', args, 1);
    ctx.keyspace.changes.changed(target, 'move_to', args, 1, 0);
    reply.int(1);
  },
});

const options = grammar('[DB destination-db:integer] [REPLACE]');
const DB = options.word('DB');
const REPLACE = options.word('REPLACE');

/** COPY source destination [DB destination-db] [REPLACE] */
export const copy = command({
  name: 'copy',
  arity: -3,
  group: 'generic',
  since: '6.2.0',
  summary: 'Copies the value of a key to another key, of another database if asked.',
  complexity: 'O(N) where N is the size of the value.',
  flags: ['write', 'denyoom'],
  keys: [keyAt(1, 'RO', 'access'), keyAt(2, 'OW', 'update')],
  syntax: `source:key destination:key ${options.line}`,

  run(ctx, args, reply) {
    const { db } = ctx;
    let target = db;
    options.begin();
    for (let i = 3; i < args.argc; ) {
      i = options.next(args, i);
      if (options.last === DB) target = databaseArgument(ctx, args, options.at(DB));
    }
    if (target === db && sameArgument(args, 1, 2)) throw errors.sameObject;
    const entry = db.read(args, 1);
    const off = args.off[2]!;
    const len = args.len[2]!;
    const present = entry === 0 ? 0 : target.find(args.buf, off, len);
    if (entry === 0 || (present !== 0 && !options.has(REPLACE))) {
      reply.int(0);
      return;
    }
    const expireAt = db.expireAt(entry);
    const made = target.copyFrom(db, entry, args.buf, off, len);
    try {
      if (expireAt !== -1) target.setExpiry(made, expireAt);
    } catch (error) {
      target.removeEntry(made);
      throw error;
    }
    if (present !== 0) target.removeEntry(present);
    ctx.keyspace.changes.changed(target, 'copy_to', args, 2);
    reply.int(1);
  },
});
