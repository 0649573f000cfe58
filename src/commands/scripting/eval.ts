/**
 * EVAL, EVALSHA, FCALL and their read-only twins. What a script calls puts its own effects into the
 * journal; these put none there.
 */
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';
import { command, keyCount } from '../spec.ts';

const WRITE_NOTES =
  'We cannot tell how the keys will be used so we assume the worst, RW and UPDATE';
const READ_NOTES = 'We cannot tell how the keys will be used so we assume the worst, RO and ACCESS';

const common = {
  arity: -3,
  group: 'scripting',
  complexity: 'Depends on the script that is executed.',
} as const;

const flags = ['noscript', 'stale', 'skip_monitor', 'no_mandatory_keys', 'movablekeys'] as const;
const writing = {
  ...common,
  flags: ['may_replicate', ...flags],
  keys: [{ ...keyCount(2, 'RW', 'access', 'update'), notes: WRITE_NOTES }],
} as const;
const reading = {
  ...common,
  flags: ['readonly', ...flags],
  keys: [{ ...keyCount(2, 'RO', 'access'), notes: READ_NOTES }],
} as const;
/** Redis gives no notes for the SHA1 forms. */
const writingBySha = { ...writing, keys: [keyCount(2, 'RW', 'access', 'update')] } as const;
const readingBySha = { ...reading, keys: [keyCount(2, 'RO', 'access')] } as const;

/** MONITOR shows the command before those that its script calls. */
function show(ctx: Context, args: Args): void {
  ctx.server.monitors.showScript(ctx.session, args);
}

/** EVAL script numkeys [key ...] [arg ...] */
export const evalScript = command({
  ...writing,
  name: 'eval',
  since: '2.6.0',
  summary: 'Runs a Lua script.',
  syntax: 'script:string numkeys [key ...] [arg:string ...]',

  flagsOf: (ctx, args, flags) => ctx.server.scripts.flagsOf(args, 'source', flags),

  run(ctx, args, reply) {
    show(ctx, args);
    ctx.server.scripts.runSource(ctx, args, false, reply);
  },
});

/** EVALSHA sha1 numkeys [key ...] [arg ...] */
export const evalSha = command({
  ...writingBySha,
  name: 'evalsha',
  since: '2.6.0',
  summary: 'Runs a Lua script that is known by its SHA1.',
  syntax: 'sha1:string numkeys [key ...] [arg:string ...]',

  flagsOf: (ctx, args, flags) => ctx.server.scripts.flagsOf(args, 'sha', flags),

  run(ctx, args, reply) {
    show(ctx, args);
    ctx.server.scripts.runSha(ctx, args, false, reply);
  },
});

/** EVAL_RO script numkeys [key ...] [arg ...] */
export const evalReadOnly = command({
  ...reading,
  name: 'eval_ro',
  since: '7.0.0',
  summary: 'Runs a Lua script that may not write.',
  syntax: 'script:string numkeys [key ...] [arg:string ...]',

  flagsOf: (ctx, args, flags) => ctx.server.scripts.flagsOf(args, 'source', flags),

  run(ctx, args, reply) {
    show(ctx, args);
    ctx.server.scripts.runSource(ctx, args, true, reply);
  },
});

/** EVALSHA_RO sha1 numkeys [key ...] [arg ...] */
export const evalShaReadOnly = command({
  ...readingBySha,
  name: 'evalsha_ro',
  since: '7.0.0',
  summary: 'Runs a Lua script that is known by its SHA1 and may not write.',
  syntax: 'sha1:string numkeys [key ...] [arg:string ...]',

  flagsOf: (ctx, args, flags) => ctx.server.scripts.flagsOf(args, 'sha', flags),

  run(ctx, args, reply) {
    show(ctx, args);
    ctx.server.scripts.runSha(ctx, args, true, reply);
  },
});

/** FCALL function numkeys [key ...] [arg ...] */
export const fcall = command({
  ...writing,
  name: 'fcall',
  since: '7.0.0',
  summary: 'Calls a function of a library.',
  complexity: 'Depends on the function that is executed.',
  syntax: 'function:string numkeys [key ...] [arg:string ...]',

  flagsOf: (ctx, args, flags) => ctx.server.scripts.flagsOf(args, 'function', flags),

  run(ctx, args, reply) {
    show(ctx, args);
    ctx.server.scripts.runFunction(ctx, args, false, reply);
  },
});

/** FCALL_RO function numkeys [key ...] [arg ...] */
export const fcallReadOnly = command({
  ...reading,
  name: 'fcall_ro',
  since: '7.0.0',
  summary: 'Calls a function of a library that may not write.',
  complexity: 'Depends on the function that is executed.',
  syntax: 'function:string numkeys [key ...] [arg:string ...]',

  flagsOf: (ctx, args, flags) => ctx.server.scripts.flagsOf(args, 'function', flags),

  run(ctx, args, reply) {
    show(ctx, args);
    ctx.server.scripts.runFunction(ctx, args, true, reply);
  },
});
