/**
 * The options of XADD and XTRIM.
 */
import type { References } from '../../datatypes/stream.ts';
import { StreamId } from '../../datatypes/stream-id.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
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

/** Reads the options from argument 2 on; XADD's end with the id. */
function readOptions(args: Args, adds: boolean, nodeEntries: number): void {
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
  if (limitGiven && !options.approximate) throw limitWithoutApproximation;
  if (!limitGiven && options.approximate) options.limit = defaultLimit(nodeEntries);
}

/** Without LIMIT an approximate trim removes the content of a hundred nodes at most. */
function defaultLimit(nodeEntries: number): number {
  const limit = 100 * nodeEntries;
  return limit <= 0 ? 10000 : Math.min(limit, 1000000);
}

/** XADD's options. `nodeEntries`: the most entries of a node. */
export function addOptions(args: Args, nodeEntries: number): AddOptions {
  readOptions(args, true, nodeEntries);
  return options;
}

/** XTRIM's options. */
export function trimOptions(args: Args, nodeEntries: number): AddOptions {
  readOptions(args, false, nodeEntries);
  return options;
}
