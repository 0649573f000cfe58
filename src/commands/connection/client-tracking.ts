/**
 * Client-side caching: CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO.
 * Source: redis-server 7.0.15 (networking.c, tracking.c). TRACKING's options are read by hand:
 * PREFIX collects, REDIRECT looks its client up where it stands, and clashes depend on the state.
 */
import {
  type ClientTracking,
  prefixCost,
  type TrackingOptions,
} from '../../tracking/client-tracking.ts';
import type { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { heapGuard } from '../../util/heap-guard.ts';
import type { Context } from '../context.ts';
import { intArgument } from '../integers.ts';
import { command } from '../spec.ts';

const own = {
  group: 'connection',
  complexity: 'O(1)',
  flags: ['noscript', 'loading', 'stale'],
} as const;

const oneRedirect = new CommandError('ERR A client can only redirect to a single other client');
const noSuchRedirect = new CommandError('ERR The client ID you want redirect to does not exist');
const prefixWithoutBcast = new CommandError('ERR PREFIX option requires BCAST mode to be enabled');
const modeSwitch = (mode: string) =>
  new CommandError(
    `ERR You can't switch ${mode} before disabling tracking for this client, and then ` +
      're-enabling it with a different mode.',
  );
const bcastSwitch = modeSwitch('BCAST mode on/off');
const optSwitch = modeSwitch('OPTIN/OPTOUT mode');
const optWithBcast = new CommandError('ERR OPTIN and OPTOUT are not compatible with BCAST');
const bothOpts = new CommandError("ERR You can't specify both OPTIN mode and OPTOUT mode");
const cachingOff = new CommandError(
  'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or ' +
    'OPTOUT mode enabled',
);
const cachingYes = new CommandError(
  'ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.',
);
const cachingNo = new CommandError(
  'ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.',
);

/** CLIENT TRACKING's options from argument 3 on. */
function trackingOptions(ctx: Context, args: Args): TrackingOptions {
  let redirect = 0;
  let bcast = false;
  let optIn = false;
  let optOut = false;
  let noLoop = false;
  const prefixes: string[] = [];
  for (let i = 3; i < args.argc; i++) {
    const hasValue = i + 1 < args.argc;
    if (args.is(i, 'REDIRECT') && hasValue) {
      if (redirect !== 0) throw oneRedirect;
      redirect = intArgument(args, ++i);
      if (ctx.server.clients.byId(redirect) === undefined) throw noSuchRedirect;
    } else if (args.is(i, 'PREFIX') && hasValue) {
      heapGuard.require(prefixCost(args.len[++i]!));
      prefixes.push(args.latin1(i));
    } else if (args.is(i, 'BCAST')) bcast = true;
    else if (args.is(i, 'OPTIN')) optIn = true;
    else if (args.is(i, 'OPTOUT')) optOut = true;
    else if (args.is(i, 'NOLOOP')) noLoop = true;
    else throw errors.syntax;
  }
  return { redirect, bcast, optIn, optOut, noLoop, prefixes };
}

/** Throws when options clash with each other or with those in force. */
function check(options: TrackingOptions, present: ClientTracking | undefined): void {
  const { bcast, optIn, optOut, prefixes } = options;
  if (!bcast && prefixes.length > 0) throw prefixWithoutBcast;
  if (present !== undefined && present.bcast !== bcast) throw bcastSwitch;
  if (bcast && (optIn || optOut)) throw optWithBcast;
  if (optIn && optOut) throw bothOpts;
  if (present !== undefined && ((optIn && present.optOut) || (optOut && present.optIn))) {
    throw optSwitch;
  }
  checkOverlap(prefixes, present);
}

/**
 * Throws when a provided prefix overlaps with another one. The error names the first that does, and
 * rather an existing one than a provided one as the other. O(n log(n + existing ones)).
 */
function checkOverlap(provided: readonly string[], present: ClientTracking | undefined): void {
  const found = overlappingAmong(provided);
  const first = provided.findIndex(
    (prefix) => found.has(prefix) || present?.overlaps(prefix) === true,
  );
  if (first < 0) return;
  const prefix = provided[first]!;
  const clash = present?.prefixes.find((other) => overlap(prefix, other));
  if (clash !== undefined) throw overlapping(prefix, `an existing prefix '${clash}'`);
  const other = provided.find((other, i) => i > first && overlap(prefix, other))!;
  throw overlapping(prefix, `another provided prefix '${other}'`);
}

/** Those of some prefixes that overlap with another of them. */
function overlappingAmong(provided: readonly string[]): Set<string> {
  const found = new Set<string>();
  // In order, a prefix comes before those that it begins, with nothing else in between.
  let shortest: string | undefined;
  for (const prefix of [...provided].sort()) {
    if (shortest !== undefined && prefix.startsWith(shortest)) found.add(shortest).add(prefix);
    else shortest = prefix;
  }
  return found;
}

function overlap(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

function overlapping(prefix: string, other: string): CommandError {
  return new CommandError(
    `ERR Prefix '${prefix}' overlaps with ${other}. Prefixes for a single client must not overlap.`,
  );
}

/** CLIENT TRACKING ON | OFF [REDIRECT id] [PREFIX p ...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP] */
export const clientTracking = command({
  ...own,
  name: 'tracking',
  arity: -3,
  since: '6.0.0',
  summary: 'Turns on or off that this connection is told of keys that it has read and that change.',
  complexity: 'O(1); with prefixes O(N), N their number.',
  syntax:
    '<ON | OFF> [REDIRECT client-id:integer] [PREFIX prefix ...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]',

  run(ctx, args, reply) {
    const options = trackingOptions(ctx, args);
    const { session } = ctx;
    const { tracking } = ctx.server;
    if (args.is(2, 'ON')) {
      check(options, session.tracking);
      tracking.enable(session, options);
    } else if (args.is(2, 'OFF')) tracking.disable(session);
    else throw errors.syntax;
    reply.ok();
  },
});

/** CLIENT CACHING YES | NO */
export const clientCaching = command({
  ...own,
  name: 'caching',
  arity: 3,
  since: '6.0.0',
  summary: 'Says whether the keys of the next command are tracked.',
  syntax: '<YES | NO>',

  run(ctx, args, reply) {
    const { tracking } = ctx.session;
    if (tracking === undefined) throw cachingOff;
    if (args.is(2, 'YES')) {
      if (!tracking.optIn) throw cachingYes;
    } else if (args.is(2, 'NO')) {
      if (!tracking.optOut) throw cachingNo;
    } else throw errors.syntax;
    tracking.caching = true;
    reply.ok();
  },
});

/** CLIENT GETREDIR */
export const clientGetredir = command({
  ...own,
  name: 'getredir',
  arity: 2,
  since: '6.0.0',
  summary: 'Returns which client gets the messages: 0 is this one, -1 none, as tracking is off.',

  run(ctx, _args, reply) {
    reply.int(ctx.session.tracking?.redirect ?? -1);
  },
});

/** CLIENT TRACKINGINFO */
export const clientTrackinginfo = command({
  ...own,
  name: 'trackinginfo',
  arity: 2,
  since: '6.2.0',
  summary: 'Returns how client-side caching is set up for this connection.',

  run(ctx, _args, reply) {
    const { tracking } = ctx.session;
    const flags = tracking === undefined ? ['off'] : flagsOf(tracking);
    const prefixes = tracking?.prefixes ?? [];
    reply.map(3);
    reply.bulkLatin1('flags');
    reply.set(flags.length);
    for (const flag of flags) reply.bulkLatin1(flag);
    reply.bulkLatin1('redirect');
    reply.int(tracking?.redirect ?? -1);
    reply.bulkLatin1('prefixes');
    reply.array(prefixes.length);
    for (const prefix of prefixes) reply.bulkLatin1(prefix);
  },
});

function flagsOf(tracking: ClientTracking): string[] {
  const flags = ['on'];
  if (tracking.bcast) flags.push('bcast');
  if (tracking.optIn) flags.push('optin');
  if (tracking.optIn && tracking.caching) flags.push('caching-yes');
  if (tracking.optOut) flags.push('optout');
  if (tracking.optOut && tracking.caching) flags.push('caching-no');
  if (tracking.noLoop) flags.push('noloop');
  if (tracking.brokenRedirect) flags.push('broken_redirect');
  return flags;
}
