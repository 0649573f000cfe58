/**
 * The options of XADD and XTRIM. They are read by hand: an operator may stand before the
 * threshold, XADD's end where its id stands, and which clash depends on what came before.
 */
import type { References, StreamValue } from '../../datatypes/stream.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import type { EffectLine } from '../../keyspace/journal.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { int64Argument } from '../integers.ts';
import { type IdForm, type IdOptions, idArgument, isCharacter } from './ids.ts';
import { readReferences } from './references.ts';

const bothStrategies = new CommandError(
  'ERR syntax error, MAXLEN and MINID options at the same time are not compatible',
);
const negativeLength = new CommandError('ERR The MAXLEN argument must be >= 0.');
const negativeLimit = new CommandError('ERR The LIMIT argument must be >= 0.');
const limitWithoutTrim = new CommandError(
  'ERR syntax error, LIMIT cannot be used without specifying a trimming strategy',
);
const limitWithoutApproximation = new CommandError(
  'ERR syntax error, LIMIT cannot be used without the special ~ option',
);
const noStrategy = new CommandError(
  'ERR syntax error, XTRIM must be called with at least one trimming strategy',
);
const twoProducers = new CommandError('ERR IDMP/IDMPAUTO specified multiple times');
const noProducer = new CommandError('ERR IDMP requires a non-empty producer ID');
const noProducerForAuto = new CommandError('ERR IDMPAUTO requires a non-empty producer ID');
const noGivenId = new CommandError('ERR IDMP requires a non-empty idempotent ID');
const producerWithId = new CommandError(
  'ERR IDMP/IDMPAUTO can be used only with auto-generated IDs',
);

/** What XADD and XTRIM were told; one object serves all calls. */
export class AddOptions {
  /** Whether there is something to trim by. */
  trims = false;
  maxLength = -1;
  readonly minId = new StreamId();
  /** The argument with the length or the id, after the operator, if there is one. */
  thresholdAt = 0;
  approximate = false;
  limit = 0;
  references: References = 'keep';
  noMakeStream = false;
  /** The argument with the entry's id. */
  idAt = 0;
  /** Whether it is an id, not `*`. */
  idGiven = false;
  readonly id = new StreamId();
  readonly form: IdForm = { anySequence: false };
  /** Arguments with the producer's name and the id it gave: 0 for none, for one of the content. */
  producer = 0;
  givenId = 0;
}

const options = new AddOptions();
const first = new StreamId();
const idOptions: IdOptions = { form: options.form };

function reset(): void {
  options.trims = false;
  options.maxLength = -1;
  options.approximate = false;
  options.limit = 0;
  options.references = 'keep';
  options.producer = 0;
  options.givenId = 0;
  options.noMakeStream = false;
  options.idAt = 0;
  options.idGiven = false;
  options.form.anySequence = false;
}

/** Reads MAXLEN or MINID at argument i; returns the argument with the threshold. */
function readStrategy(args: Args, i: number): number {
  if (options.trims) throw bothStrategies;
  const byLength = args.is(i, 'MAXLEN');
  let at = i + 1;
  options.approximate = false;
  if (at + 1 < args.argc) {
    options.approximate = isCharacter(args, at, '~');
    if (options.approximate || isCharacter(args, at, '=')) at++;
  }
  if (byLength) {
    const length = int64Argument(args, at);
    if (length < 0) throw negativeLength;
    options.maxLength = Number(length);
  } else idArgument(args, at, options.minId);
  options.thresholdAt = at;
  options.trims = true;
  return at;
}

/** Reads IDMP or IDMPAUTO at argument i; returns the last argument that it takes, 0 for none. */
function readProducer(args: Args, i: number): number {
  const auto = i + 1 < args.argc && args.is(i, 'IDMPAUTO');
  if (!auto && !(i + 2 < args.argc && args.is(i, 'IDMP'))) return 0;
  if (options.producer !== 0) throw twoProducers;
  if (args.len[i + 1] === 0) throw auto ? noProducerForAuto : noProducer;
  options.producer = i + 1;
  if (auto) return i + 1;
  if (args.len[i + 2] === 0) throw noGivenId;
  options.givenId = i + 2;
  return i + 2;
}

/** As `readProducer`, of any option that only XADD has. */
function readAddOption(args: Args, i: number): number {
  if (!args.is(i, 'NOMKSTREAM')) return readProducer(args, i);
  options.noMakeStream = true;
  return i;
}

/**
 * Reads the options from argument 2 on; XADD's end with the id. Effects may have a LIMIT where none
 * is possible, which does not matter: the trim was exact.
 */
function readOptions(args: Args, adds: boolean, nodeEntries: number, isEffect: boolean): void {
  reset();
  let limitGiven = false;
  let referencesGiven = false;
  let i = 2;
  for (; i < args.argc; i++) {
    const more = i + 1 < args.argc;
    if (adds && isCharacter(args, i, '*')) break;
    const references = readReferences(args, i);
    if (references !== undefined) {
      if (referencesGiven) throw errors.syntax;
      referencesGiven = true;
      options.references = references;
      continue;
    }
    if (more && (args.is(i, 'MAXLEN') || args.is(i, 'MINID'))) i = readStrategy(args, i);
    else if (more && args.is(i, 'LIMIT')) {
      const limit = int64Argument(args, ++i);
      if (limit < 0) throw negativeLimit;
      options.limit = Number(limit);
      limitGiven = true;
    } else if (!adds) throw errors.syntax;
    else {
      const last = readAddOption(args, i);
      if (last === 0) {
        idArgument(args, i, options.id, idOptions);
        options.idGiven = true;
        break;
      }
      i = last;
    }
  }
  options.idAt = i;
  if (options.producer !== 0 && options.idGiven) throw producerWithId;
  if (options.limit > 0 && !options.trims) throw limitWithoutTrim;
  if (!adds && !options.trims) throw noStrategy;
  if (isEffect) {
    options.limit = 0;
    return;
  }
  if (limitGiven && !options.approximate) throw limitWithoutApproximation;
  if (!limitGiven && options.approximate) options.limit = defaultLimit(nodeEntries);
}

/** Without LIMIT an approximate trim removes the content of a hundred nodes at most. */
function defaultLimit(nodeEntries: number): number {
  const limit = 100 * nodeEntries;
  return limit <= 0 ? 10000 : Math.min(limit, 1000000);
}

/** XADD's options. */
export function addOptions(ctx: Context, args: Args): AddOptions {
  readOptions(args, true, ctx.keyspace.limits.streamNodeEntries, ctx.session.appliesEffects);
  return options;
}

/** XTRIM's options. */
export function trimOptions(ctx: Context, args: Args): AddOptions {
  readOptions(args, false, ctx.keyspace.limits.streamNodeEntries, ctx.session.appliesEffects);
  return options;
}

/**
 * Adds the key and the options, the arguments up to `end`, to a line of the journal. An approximate
 * trim becomes the exact one that leaves what is left now; who the producer was is left out.
 */
export function noteOptions(line: EffectLine, args: Args, end: number, stream: StreamValue): void {
  const { producer, givenId, thresholdAt, approximate } = options;
  const producerEnd = givenId === 0 ? producer + 1 : producer + 2;
  for (let i = 1; i < end; i++) {
    if (producer !== 0 && i >= producer - 1 && i < producerEnd) continue;
    if (!approximate || i < thresholdAt - 2 || i > thresholdAt) line.argument(args, i);
    else if (i === thresholdAt) noteBound(line, args, stream);
  }
}

function noteBound(line: EffectLine, args: Args, stream: StreamValue): void {
  const { thresholdAt, maxLength, references } = options;
  if (maxLength >= 0)
    line
      .argument(args, thresholdAt - 2)
      .text('=')
      .integer(stream.size);
  else if (references === 'acked') {
    // The first entry may be one that a group still wants: only the length tells how many went.
    line.text('MAXLEN').text('=').integer(stream.size);
  } else {
    stream.readStart(first);
    line
      .argument(args, thresholdAt - 2)
      .text('=')
      .text(first.toString());
  }
}
