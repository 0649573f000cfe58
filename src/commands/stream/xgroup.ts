/**
 * Consumer groups and their consumers: XGROUP.
 */
import { type GroupRef, READ_UNKNOWN } from '../../datatypes/stream-groups.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import { NO_EVENT } from '../../keyspace/events.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { helpCommand, wrongSubcommand } from '../help.ts';
import { type Int64, int64Argument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';
import { noGroupOfKey } from './group-arguments.ts';
import { idArgument, isCharacter } from './ids.ts';

const badRead = new CommandError('ERR value for ENTRIESREAD must be positive or -1');
const noKey = new CommandError(
  'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use ' +
    'the MKSTREAM option to create an empty stream automatically.',
);
const groupExists = new CommandError('BUSYGROUP Consumer Group name already exists');

const id = new StreamId();

interface GroupOptions {
  makeStream: boolean;
  entriesRead: Int64;
}

/** Reads MKSTREAM (where it may stand) and ENTRIESREAD from argument 5 on. */
function groupOptions(args: Args, mayMake: boolean): GroupOptions {
  const options: GroupOptions = { makeStream: false, entriesRead: READ_UNKNOWN };
  for (let i = 5; i < args.argc; i++) {
    if (mayMake && args.is(i, 'MKSTREAM')) options.makeStream = true;
    else if (args.is(i, 'ENTRIESREAD') && i + 1 < args.argc) {
      options.entriesRead = int64Argument(args, ++i);
      if (options.entriesRead < READ_UNKNOWN) throw badRead;
    } else throw wrongSubcommand(args, 'XGROUP');
  }
  return options;
}

/** Opens the stream at argument 2; throws when there is none. */
function openStream(ctx: Context, args: Args): void {
  if (ctx.db.writeValue(args, 2, ctx.keyspace.streams) === 0) throw noKey;
}

/** The group that is argument 3 of the stream at argument 2; throws when one is missing. */
function openGroup(ctx: Context, args: Args): GroupRef {
  openStream(ctx, args);
  const { groups } = ctx.keyspace.streams;
  const group = groups.find(args.buf, args.off[3]!, args.len[3]!);
  if (group === 0) throw noGroupOfKey(args);
  return group;
}

/** XGROUP CREATE key group id | $ [MKSTREAM] [ENTRIESREAD entries-read] */
const create = command({
  name: 'create',
  arity: -5,
  group: 'stream',
  since: '5.0.0',
  summary: 'Makes a consumer group that reads from an id on.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom'],
  keys: [keyAt(2, 'RW', 'insert')],
  syntax: 'key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read:integer]',

  run(ctx, args, reply) {
    const { makeStream, entriesRead } = groupOptions(args, true);
    const { streams } = ctx.keyspace;
    const entry = ctx.db.writeValue(args, 2, streams);
    if (entry === 0 && !makeStream) throw noKey;
    if (args.argc > 8) throw wrongSubcommand(args, 'XGROUP');
    id.setMin();
    if (!isCharacter(args, 4, '$')) idArgument(args, 4, id);
    else if (entry !== 0) streams.readLastId(id);
    const off = args.off[3]!;
    const len = args.len[3]!;
    if (entry === 0) {
      streams.create();
      ctx.db.addValue(args, 2, streams);
      ctx.changed(NO_EVENT, args, 2, 0);
    } else if (streams.groups.find(args.buf, off, len) !== 0) throw groupExists;
    streams.groups.create(args.buf, off, len, id, entriesRead);
    ctx.changedMetadata('xgroup-create', args, 2);
    reply.ok();
  },
});

/** XGROUP SETID key group id | $ [ENTRIESREAD entries-read] */
const setid = command({
  name: 'setid',
  arity: -5,
  group: 'stream',
  since: '5.0.0',
  summary: 'Sets the id from which a consumer group reads on.',
  complexity: 'O(1)',
  flags: ['write'],
  keys: [keyAt(2, 'RW', 'update')],
  syntax: 'key group <id | $> [ENTRIESREAD entries-read:integer]',

  run(ctx, args, reply) {
    const { entriesRead } = groupOptions(args, false);
    const group = openGroup(ctx, args);
    if (args.argc !== 5 && args.argc !== 7) throw wrongSubcommand(args, 'XGROUP');
    const { streams } = ctx.keyspace;
    if (isCharacter(args, 4, '$')) streams.readLastId(id);
    else idArgument(args, 4, id, { edges: true });
    streams.groups.setLastId(group, id);
    streams.groups.setEntriesRead(group, entriesRead);
    ctx.changedMetadata('xgroup-setid', args, 2);
    reply.ok();
  },
});

/** XGROUP DESTROY key group */
const destroy = command({
  name: 'destroy',
  arity: 4,
  group: 'stream',
  since: '5.0.0',
  summary: 'Removes a consumer group with its consumers and pending entries.',
  complexity: 'O(N) where N is the number of pending entries of the group.',
  flags: ['write'],
  keys: [keyAt(2, 'RW', 'delete')],
  syntax: 'key group',

  run(ctx, args, reply) {
    openStream(ctx, args);
    const { groups } = ctx.keyspace.streams;
    const group = groups.find(args.buf, args.off[3]!, args.len[3]!);
    if (group !== 0) {
      groups.destroy(group);
      ctx.changedMetadata('xgroup-destroy', args, 2);
    }
    reply.int(group === 0 ? 0 : 1);
  },
});

/** XGROUP CREATECONSUMER key group consumer */
const createconsumer = command({
  name: 'createconsumer',
  arity: 5,
  group: 'stream',
  since: '6.2.0',
  summary: 'Adds a consumer to a group; returns whether it is new.',
  complexity: 'O(1)',
  flags: ['write', 'denyoom'],
  keys: [keyAt(2, 'RW', 'insert')],
  syntax: 'key group consumer',

  run(ctx, args, reply) {
    const group = openGroup(ctx, args);
    const { groups } = ctx.keyspace.streams;
    const off = args.off[4]!;
    const len = args.len[4]!;
    const isNew = groups.findConsumer(group, args.buf, off, len) === 0;
    if (isNew) {
      groups.createConsumer(group, args.buf, off, len, ctx.nowMs);
      ctx.changedMetadata('xgroup-createconsumer', args, 2);
    }
    reply.int(isNew ? 1 : 0);
  },
});

/** XGROUP DELCONSUMER key group consumer */
const delconsumer = command({
  name: 'delconsumer',
  arity: 5,
  group: 'stream',
  since: '5.0.0',
  summary: 'Removes a consumer and returns how many pending entries went with it.',
  complexity: 'O(N log N) where N is the number of its pending entries.',
  flags: ['write'],
  keys: [keyAt(2, 'RW', 'delete')],
  syntax: 'key group consumer',

  run(ctx, args, reply) {
    const group = openGroup(ctx, args);
    const { groups } = ctx.keyspace.streams;
    const consumer = groups.findConsumer(group, args.buf, args.off[4]!, args.len[4]!);
    let removed = 0;
    if (consumer !== 0) {
      removed = groups.deleteConsumer(group, consumer);
      ctx.changedMetadata('xgroup-delconsumer', args, 2);
    }
    reply.int(removed);
  },
});

const help = helpCommand('stream', '5.0.0', [
  'CREATE <key> <group> <id|$> [MKSTREAM] [ENTRIESREAD <count>]',
  '    Make a consumer group; MKSTREAM makes the stream too when it is missing,',
  '    ENTRIESREAD sets how many entries it counts as read.',
  'CREATECONSUMER <key> <group> <consumer>',
  '    Add a consumer to a group.',
  'DELCONSUMER <key> <group> <consumer>',
  '    Remove a consumer with its pending entries.',
  'DESTROY <key> <group>',
  '    Remove a group.',
  'SETID <key> <group> <id|$> [ENTRIESREAD <count>]',
  '    Set the id from which a group reads on.',
]);

/** XGROUP, the container. */
export const xgroup = command({
  name: 'xgroup',
  arity: -2,
  group: 'stream',
  since: '5.0.0',
  summary: 'A container for commands about consumer groups.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [create, createconsumer, delconsumer, destroy, help, setid],
});
