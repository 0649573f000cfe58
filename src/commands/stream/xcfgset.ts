/**
 * Setting for how long ids of producers are kept, and how many: XCFGSET.
 */
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { grammar } from '../grammar.ts';
import { intArgument } from '../integers.ts';
import { command, keyAt } from '../spec.ts';

const DURATION_MAX = 86400;
const SIZE_MAX = 10000;
const nothingToSet = new CommandError('ERR At least one parameter must be specified');
const badDuration = new CommandError(
  `ERR IDMP-DURATION must be between 1 and ${DURATION_MAX} seconds`,
);
const badSize = new CommandError(`ERR IDMP-MAXSIZE must be between 1 and ${SIZE_MAX} entries`);

const options = grammar(
  '[IDMP-DURATION idmp-duration:integer] [IDMP-MAXSIZE idmp-maxsize:integer]',
);
const DURATION = options.word('IDMP-DURATION');

interface Settings {
  readonly durationSeconds: number | undefined;
  readonly sizeMax: number | undefined;
}

function within(args: Args, i: number, max: number, error: CommandError): number {
  const n = intArgument(args, i);
  if (n < 1 || n > max) throw error;
  return n;
}

function readSettings(args: Args): Settings {
  if (args.argc === 2) throw nothingToSet;
  let durationSeconds: number | undefined;
  let sizeMax: number | undefined;
  options.begin();
  for (let i = 2; i < args.argc; ) {
    i = options.next(args, i);
    if (options.last === DURATION) durationSeconds = within(args, i - 1, DURATION_MAX, badDuration);
    else sizeMax = within(args, i - 1, SIZE_MAX, badSize);
  }
  return { durationSeconds, sizeMax };
}

/** XCFGSET key [IDMP-DURATION seconds] [IDMP-MAXSIZE count] */
export const xcfgset = command({
  name: 'xcfgset',
  arity: -2,
  group: 'stream',
  since: '8.6.0',
  summary: 'Sets for how long and how many ids of a producer a stream remembers.',
  complexity: 'O(1), but O(N) where N is the number of ids that a new setting makes forgotten.',
  flags: ['write', 'fast'],
  keys: [keyAt(1, 'RW', 'update')],
  syntax: `key ${options.line}`,

  run(ctx, args, reply) {
    const { durationSeconds, sizeMax } = readSettings(args);
    const { streams } = ctx.keyspace;
    if (ctx.db.writeValue(args, 1, streams) === 0) throw errors.noSuchKey;
    const { producers } = streams;
    producers.configure(durationSeconds ?? producers.durationSeconds, sizeMax ?? producers.sizeMax);
    ctx.changedMetadata('xcfgset', args, 1);
    reply.ok();
  },
});
