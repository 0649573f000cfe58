/**
 * FUNCTION: libraries of functions. A change goes to the journal as the command itself.
 */
import {
  type PayloadFault,
  readFunctions,
  writeFunctions,
} from '../../persistence/rdb/functions-payload.ts';
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import { globMatchString } from '../../util/glob.ts';
import type { Context } from '../context.ts';
import { helpCommand } from '../help.ts';
import type { RestorePolicy } from '../ports/scripts.ts';
import { command } from '../spec.ts';

const common = { group: 'scripting', since: '7.0.0' } as const;
const allShards = ['request_policy:all_shards', 'response_policy:all_succeeded'] as const;

const nameMissing = new CommandError('ERR library name argument was not given');
const flushSyntax = new CommandError('ERR FUNCTION FLUSH only supports SYNC|ASYNC option');
const badPolicy = new CommandError(
  'ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.',
);
const faults: Readonly<Record<PayloadFault, CommandError>> = {
  footer: new CommandError('ERR DUMP payload version or checksum are wrong'),
  type: new CommandError('ERR given type is not a function'),
  data: new CommandError('ERR failed loading functions payload'),
};

const load = command({
  ...common,
  name: 'load',
  arity: -3,
  summary: 'Loads a library.',
  complexity: 'O(1) (considering compilation time is redundant)',
  flags: ['write', 'denyoom', 'noscript'],
  tips: allShards,
  syntax: '[REPLACE] function-code:string',

  run(ctx, args, reply) {
    let replace = false;
    const last = args.argc - 1;
    for (let i = 2; i < last; i++) {
      if (!args.is(i, 'REPLACE')) {
        throw new CommandError(`ERR Unknown option given: ${args.cString(i)}`);
      }
      replace = true;
    }
    const name = ctx.server.scripts.loadLibrary(args.latin1(last), replace);
    changed(ctx);
    reply.bulkLatin1(name);
  },
});

const remove = command({
  ...common,
  name: 'delete',
  arity: 3,
  summary: 'Removes a library.',
  complexity: 'O(1)',
  flags: ['write', 'noscript'],
  tips: allShards,
  syntax: 'library-name:string',

  run(ctx, args, reply) {
    ctx.server.scripts.deleteLibrary(args.latin1(2));
    changed(ctx);
    reply.ok();
  },
});

const flush = command({
  ...common,
  name: 'flush',
  arity: -2,
  summary: 'Removes all libraries.',
  complexity: 'O(N) where N is the number of functions deleted',
  flags: ['write', 'noscript'],
  tips: allShards,
  syntax: '[ASYNC | SYNC]',

  run(ctx, args, reply) {
    if (args.argc > 3) throw wrongUse(args);
    const isKnown = args.argc === 3 && (args.is(2, 'SYNC') || args.is(2, 'ASYNC'));
    if (args.argc > 2 && !isKnown) throw flushSyntax;
    ctx.server.scripts.flushLibraries();
    changed(ctx);
    reply.ok();
  },
});

const list = command({
  ...common,
  name: 'list',
  arity: -2,
  summary: 'Lists libraries and their functions.',
  complexity: 'O(N) where N is the number of functions',
  flags: ['noscript'],
  tips: ['nondeterministic_output_order'],
  syntax: '[LIBRARYNAME library-name-pattern:string] [WITHCODE]',

  run(ctx, args, reply) {
    let withCode = false;
    let pattern: string | undefined;
    for (let i = 2; i < args.argc; i++) {
      if (!withCode && args.is(i, 'WITHCODE')) withCode = true;
      else if (pattern === undefined && args.is(i, 'LIBRARYNAME')) {
        if (++i >= args.argc) throw nameMissing;
        pattern = args.latin1(i);
      } else throw new CommandError(`ERR Unknown argument ${args.cString(i)}`);
    }
    const libraries = [...ctx.server.scripts.libraries()].filter(
      ({ name }) => pattern === undefined || globMatchString(pattern, name, true),
    );
    reply.array(libraries.length);
    for (const { name, code, functions } of libraries) {
      reply.map(withCode ? 4 : 3);
      reply.bulkLatin1('library_name');
      reply.bulkLatin1(name);
      reply.bulkLatin1('engine');
      reply.bulkLatin1('LUA');
      reply.bulkLatin1('functions');
      reply.array(functions.length);
      for (const each of functions) {
        reply.map(3);
        reply.bulkLatin1('name');
        reply.bulkLatin1(each.name);
        reply.bulkLatin1('description');
        if (each.description === undefined) reply.null();
        else reply.bulkLatin1(each.description);
        reply.bulkLatin1('flags');
        reply.set(each.flags.length);
        for (const flag of each.flags) reply.simple(flag);
      }
      if (withCode) {
        reply.bulkLatin1('library_code');
        reply.bulkLatin1(code);
      }
    }
  },
});

const stats = command({
  ...common,
  name: 'stats',
  arity: 2,
  summary: 'Tells which function runs, and how many there are.',
  complexity: 'O(1)',
  flags: ['noscript', 'allow_busy'],
  tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],

  run(ctx, _args, reply) {
    const { scripts } = ctx.server;
    const { running } = scripts;
    if (running?.kind === 'eval') scripts.checkNotBusy();
    reply.map(2);
    reply.bulkLatin1('running_script');
    if (running === undefined) reply.null();
    else {
      const { args, name, durationMs } = running;
      reply.map(3);
      reply.bulkLatin1('name');
      reply.bulkLatin1(name);
      reply.bulkLatin1('command');
      reply.array(args?.argc ?? 0);
      for (let i = 0; i < (args?.argc ?? 0); i++) {
        reply.bulk(args!.buf, args!.off[i]!, args!.len[i]!);
      }
      reply.bulkLatin1('duration_ms');
      reply.int(durationMs);
    }
    reply.bulkLatin1('engines');
    reply.map(1);
    reply.bulkLatin1('LUA');
    reply.map(2);
    reply.bulkLatin1('libraries_count');
    reply.int(scripts.libraryCount);
    reply.bulkLatin1('functions_count');
    reply.int(scripts.functionCount);
  },
});

const kill = command({
  ...common,
  name: 'kill',
  arity: 2,
  summary: 'Ends the function that runs, if it has not written.',
  complexity: 'O(1)',
  flags: ['noscript', 'allow_busy'],
  tips: ['request_policy:all_shards', 'response_policy:one_succeeded'],

  run(ctx, _args, reply) {
    ctx.server.scripts.kill('function');
    reply.ok();
  },
});

const dump = command({
  ...common,
  name: 'dump',
  arity: 2,
  summary: 'Returns all libraries as one payload for FUNCTION RESTORE.',
  complexity: 'O(N) where N is the number of functions',
  flags: ['noscript'],

  run(ctx, _args, reply) {
    const codes = [...ctx.server.scripts.libraries()].map(({ code }) =>
      Buffer.from(code, 'latin1'),
    );
    const payload = writeFunctions(codes, ctx.server.config.bool('rdbcompression'));
    reply.bulk(payload, 0, payload.length);
  },
});

const restore = command({
  ...common,
  name: 'restore',
  arity: -3,
  summary: 'Loads the libraries of a payload.',
  complexity: 'O(N) where N is the number of functions on the payload',
  flags: ['write', 'denyoom', 'noscript'],
  tips: allShards,
  syntax: 'serialized-value:string [FLUSH | APPEND | REPLACE]',

  run(ctx, args, reply) {
    const policy = restorePolicy(args);
    const codes = readFunctions(args.bytes(2));
    if (typeof codes === 'string') throw faults[codes];
    ctx.server.scripts.restoreLibraries(
      codes.map((code) => code.toString('latin1')),
      policy,
    );
    changed(ctx);
    reply.ok();
  },
});

/** More arguments than a subcommand takes whose arity has no upper end. */
function wrongUse(args: Args): CommandError {
  return new CommandError(
    `ERR unknown subcommand or wrong number of arguments for '${args.cString(1)}'. Try FUNCTION HELP.`,
  );
}

function restorePolicy(args: Args): RestorePolicy {
  if (args.argc === 3) return 'append';
  if (args.argc > 4) throw wrongUse(args);
  if (args.is(3, 'APPEND')) return 'append';
  if (args.is(3, 'REPLACE')) return 'replace';
  if (args.is(3, 'FLUSH')) return 'flush';
  throw badPolicy;
}

/** Libraries are part of the data set: a change counts, and goes to the journal. */
function changed(ctx: Context): void {
  ctx.wrote();
  ctx.forceEffect();
}

export const functions = command({
  ...common,
  name: 'function',
  arity: -2,
  summary: 'A container for commands about functions.',
  complexity: 'Depends on subcommand.',
  flags: [],
  categories: ['-scripting'],
  subcommands: [
    remove,
    dump,
    flush,
    helpCommand('scripting', '7.0.0', [
      'DELETE <library-name>',
      '    Remove a library.',
      'DUMP',
      '    Answer all libraries as one payload.',
      'FLUSH [ASYNC|SYNC]',
      '    Remove all libraries.',
      'KILL',
      '    End the function that runs, if it has not written.',
      'LIST [LIBRARYNAME <pattern>] [WITHCODE]',
      '    List libraries and their functions.',
      'LOAD [REPLACE] <code>',
      '    Load a library.',
      'RESTORE <payload> [FLUSH|APPEND|REPLACE]',
      '    Load the libraries of a payload.',
      'STATS',
      '    Tell which function runs, and how many there are.',
    ]),
    kill,
    list,
    load,
    restore,
    stats,
  ],
});
