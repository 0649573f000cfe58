/**
 * Adding entries: XADD.
 */
import { StreamId } from '../../datatypes/stream-id.ts';
import { ENTRY_BYTES_MAX } from '../../datatypes/stream-node.ts';
import type { Text } from '../../datatypes/value.ts';
import type { Args } from '../../util/args.ts';
import { crypto } from '../../util/crypto.ts';
import { CommandError, wrongArity } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { command, keyAt } from '../spec.ts';
import { replyId } from './ids.ts';
import { type AddOptions, addOptions, noteOptions } from './trim-options.ts';

const zeroId = new CommandError('ERR The ID specified in XADD must be greater than 0-0');
const exhausted = new CommandError(
  'ERR The stream has exhausted the last possible ID, unable to add more items',
);
const notAbove = new CommandError(
  'ERR The ID specified in XADD is equal or smaller than the target stream top item',
);
const tooLarge = new CommandError('ERR Elements are too large to be stored');

const id = new StreamId();
const last = new StreamId();

/** Sets `id` to that of the entry to be added after `last`; throws when there is none. */
function chooseId(id: StreamId, last: StreamId, options: AddOptions, nowMs: number): void {
  if (last.isMax) throw exhausted;
  if (!options.idGiven) {
    id.setTime(nowMs);
    if (id.compare(last) > 0) return;
    id.set(last);
    id.increment();
    return;
  }
  id.set(options.id);
  if (options.form.anySequence && id.sameTime(last)) {
    // No text of its own: redis-server 7.0.15 answers this for any failure it has no number for.
    if (last.hasMaxSequence) throw tooLarge;
    id.set(last);
    id.increment();
  }
  if (id.compare(last) <= 0) throw notAbove;
}

function checkSize(args: Args, from: number): void {
  let bytes = 0;
  for (let i = from; i < args.argc; i++) bytes += args.len[i]!;
  if (bytes > ENTRY_BYTES_MAX) throw tooLarge;
}

/** Who adds an entry, and the id that it gave to it. */
interface Origin {
  readonly producer: Text;
  readonly givenId: Text;
}

function origin(args: Args, from: number, { producer, givenId }: AddOptions): Origin | undefined {
  if (producer === 0) return undefined;
  const text = (i: number): Text => ({ buf: args.buf, off: args.off[i]!, len: args.len[i]! });
  return {
    producer: text(producer),
    givenId: givenId === 0 ? contentId(args, from) : text(givenId),
  };
}

/** An id for the entry whose fields begin at argument `from`: the same for the same pairs. */
function contentId(args: Args, from: number): Text {
  const pairs: Buffer[] = [];
  for (let i = from; i < args.argc; i += 2) {
    const field = args.view(i);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(field.length);
    pairs.push(
      crypto()
        .createHash('sha256')
        .update(length)
        .update(field)
        .update(args.view(i + 1))
        .digest(),
    );
  }
  // Their order does not matter (IDMPAUTO of Redis 8.6).
  pairs.sort(Buffer.compare);
  const buf = crypto().createHash('sha256').update(Buffer.concat(pairs)).digest();
  return { buf, off: 0, len: buf.length };
}

/** Makes the stream, with the entry whose fields begin at argument `from`. */
function addFirst(ctx: Context, args: Args, from: number): void {
  const { streams } = ctx.keyspace;
  ctx.keyspace.build(streams, () => {
    streams.create();
    streams.append(id, args, from, args.argc);
  });
  ctx.db.addValue(args, 1, streams);
}

/**
 * Adds the entry whose fields begin at argument `from`, unless its producer has done so; `id` is
 * the entry's. Returns whether there is a stream.
 */
function add(ctx: Context, args: Args, from: number, options: AddOptions): boolean {
  const { streams } = ctx.keyspace;
  const { producers } = streams;
  const entry = ctx.db.writeValue(args, 1, streams);
  if (entry === 0 && options.noMakeStream) return false;
  const by = origin(args, from, options);
  if (by !== undefined && entry !== 0) {
    if (producers.findDuplicate(by.producer, by.givenId, id, ctx.nowMs)) return true;
  }
  if (entry === 0) last.setMin();
  else streams.readLastId(last);
  chooseId(id, last, options, ctx.nowMs);
  checkSize(args, from);
  if (entry === 0) addFirst(ctx, args, from);
  else streams.append(id, args, from, args.argc);
  if (by !== undefined) producers.note(by.producer, by.givenId, id, ctx.nowMs);
  ctx.changed('xadd', args, 1);
  if (options.trims && streams.trim(options) > 0) ctx.changed('xtrim', args, 1, 0);
  noteEntry(ctx, args, options, by);
  return true;
}

/** Puts the entry into the journal with its id, and the trim as it turned out. */
function noteEntry(ctx: Context, args: Args, options: AddOptions, by: Origin | undefined): void {
  if (options.idGiven && !options.form.anySequence && !options.approximate) return;
  const line = ctx.instead('XADD');
  if (line === undefined) return;
  const { producer, idAt } = options;
  noteOptions(line, args, idAt, ctx.keyspace.streams);
  if (options.idGiven && !options.form.anySequence) line.argument(args, idAt);
  else line.text(id.toString());
  line.argumentsFrom(args, idAt + 1, args.argc);
  if (by === undefined) return;
  const { givenId } = by;
  ctx
    .instead('XIDMPRECORD')
    ?.argumentsFrom(args, 1, 2)
    .argument(args, producer)
    .bytes(givenId.buf, givenId.off, givenId.len)
    .text(id.toString());
}

/**
 * XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [IDMPAUTO producer-id | IDMP producer-id
 * idempotent-id] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] * | id field value ...
 */
export const xadd = command({
  name: 'xadd',
  arity: -5,
  group: 'stream',
  since: '5.0.0',
  summary: 'Adds an entry to a stream, which is made when missing, and returns its id.',
  complexity: 'O(1), plus O(N) where N is the number of entries that are trimmed.',
  flags: ['write', 'denyoom', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
  tips: ['nondeterministic_output'],
  syntax:
    'key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] ' +
    '[IDMPAUTO producer-id | IDMP producer-id idempotent-id] ' +
    '[<MAXLEN | MINID> [= | ~] threshold [LIMIT count:integer]] <* | id> ' +
    'field value [field value ...]',

  run(ctx, args, reply) {
    const options = addOptions(ctx, args);
    const from = options.idAt + 1;
    if (args.argc - from < 2 || (args.argc - from) % 2 === 1) throw wrongArity('xadd');
    if (options.idGiven && !options.form.anySequence && options.id.isZero) throw zeroId;
    if (add(ctx, args, from, options)) replyId(reply, id);
    else reply.null();
  },
});
