/**
 * COMMAND: what commands there are and how they are called.
 */
import type { Reply } from '../../resp/reply.ts';
import { Args } from '../../util/args.ts';
import { CommandError, errors } from '../../util/errors.ts';
import { globMatchString } from '../../util/glob.ts';
import { categoriesOf } from '../categories.ts';
import { type Command, type CommandTable, Flag } from '../command-table.ts';
import type { Context } from '../context.ts';
import { commandFlags, type KeySpec } from '../facts.ts';
import { helpCommand } from '../help.ts';
import { KeyList } from '../key-list.ts';
import { legacyRange } from '../key-specs.ts';
import { command } from '../spec.ts';
import { replyDocs } from './command-docs.ts';

const common = {
  group: 'server',
  flags: ['loading', 'stale'],
  categories: ['connection'],
} as const;

function replyWords(words: readonly string[], reply: Reply): void {
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}

function replyKeySpec({ flags, begin, find }: KeySpec, reply: Reply): void {
  reply.map(3);
  reply.bulkLatin1('flags');
  replyWords(flags, reply);
  reply.bulkLatin1('begin_search');
  replySearch(begin, reply);
  reply.bulkLatin1('find_keys');
  replySearch(find, reply);
}

function replySearch(search: KeySpec['begin'] | KeySpec['find'], reply: Reply): void {
  const fields: (readonly [string, string | number])[] = [];
  if (search.type === 'index') fields.push(['index', search.index]);
  else if (search.type === 'keyword') {
    fields.push(['keyword', search.keyword], ['startfrom', search.from]);
  } else if (search.type === 'range') {
    fields.push(['lastkey', search.last], ['keystep', search.step], ['limit', search.limit]);
  } else if (search.type === 'keynum') {
    fields.push(['keynumidx', search.keynum], ['firstkey', search.first], ['keystep', search.step]);
  }
  reply.map(2);
  reply.bulkLatin1('type');
  reply.bulkLatin1(search.type);
  reply.bulkLatin1('spec');
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkLatin1(name);
    if (typeof value === 'number') reply.int(value);
    else reply.bulkLatin1(value);
  }
}

/** The ten-element description of a command. */
function replyInfo(found: Command, reply: Reply): void {
  const { spec } = found;
  const [first, last, step] = legacyRange(spec);
  reply.array(10);
  reply.bulkLatin1(found.fullName);
  reply.int(spec.arity);
  replyWords(
    spec.flags.filter((flag) => commandFlags[flag].shown),
    reply,
  );
  reply.int(first);
  reply.int(last);
  reply.int(step);
  replyWords(
    categoriesOf(spec).map((name) => `@${name}`),
    reply,
  );
  reply.set(spec.tips?.length ?? 0);
  for (const tip of spec.tips ?? []) reply.bulkLatin1(tip);
  reply.set(spec.keys?.length ?? 0);
  for (const keys of spec.keys ?? []) replyKeySpec(keys, reply);
  if (found.subcommands === undefined) reply.set(0);
  else {
    // An array, though without subcommands there is an empty set: as redis-server 7.0.15.
    reply.array(found.subcommands.size);
    for (const sub of found.subcommands) replyInfo(sub, reply);
  }
}

const count = command({
  ...common,
  name: 'count',
  arity: 2,
  since: '2.8.13',
  summary: 'Returns how many commands there are.',
  complexity: 'O(1)',

  run(ctx, _args, reply) {
    reply.int(ctx.server.commands.size);
  },
});

/** The commands that arguments from `from` on name, or all of them. */
function named(table: CommandTable, args: Args, from: number): (Command | undefined)[] {
  if (args.argc === from) return [...table];
  const found: (Command | undefined)[] = [];
  for (let i = from; i < args.argc; i++) found.push(table.byName(args.latin1(i)));
  return found;
}

const info = command({
  ...common,
  name: 'info',
  arity: -2,
  since: '2.8.13',
  summary: 'Returns how the named commands, or all, are called and what they touch.',
  complexity: 'O(N) where N is the number of commands to look up',
  tips: ['nondeterministic_output_order'],
  syntax: '[command-name [command-name ...]]',

  run(ctx, args, reply) {
    const found = named(ctx.server.commands, args, 2);
    reply.array(found.length);
    for (const each of found) {
      if (each === undefined) reply.null();
      else replyInfo(each, reply);
    }
  },
});

const docs = command({
  ...common,
  name: 'docs',
  arity: -2,
  since: '7.0.0',
  summary: 'Returns the documentation of the named commands, or of all.',
  complexity: 'O(N) where N is the number of commands to look up',
  tips: ['nondeterministic_output_order'],
  syntax: '[command-name [command-name ...]]',

  run(ctx, args, reply) {
    const found = named(ctx.server.commands, args, 2).filter((each) => each !== undefined);
    reply.map(found.length);
    for (const each of found) replyDocs(each, reply);
  },
});

/** Which command names FILTERBY lets through. */
function nameFilter(args: Args): (found: Command) => boolean {
  if (args.argc === 2) return () => true;
  if (args.argc !== 5 || !args.is(2, 'FILTERBY')) throw errors.syntax;
  const value = args.latin1(4);
  if (args.is(3, 'MODULE')) return () => false;
  if (args.is(3, 'ACLCAT')) {
    return ({ spec }) => categoriesOf(spec).includes(value.toLowerCase());
  }
  if (args.is(3, 'PATTERN')) return ({ fullName }) => globMatchString(value, fullName, true);
  throw errors.syntax;
}

const list = command({
  ...common,
  name: 'list',
  arity: -2,
  since: '7.0.0',
  summary: 'Returns the names of all commands, or of those that a filter lets through.',
  complexity: 'O(N) where N is the number of commands',
  tips: ['nondeterministic_output_order'],
  syntax: '[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]',

  run(ctx, args, reply) {
    const passes = nameFilter(args);
    const mark = reply.beginDeferred();
    let names = 0;
    for (const each of ctx.server.commands) {
      for (const found of [each, ...(each.subcommands ?? [])]) {
        if (!passes(found)) continue;
        reply.bulkLatin1(found.fullName);
        names++;
      }
    }
    reply.endArray(mark, names);
  },
});

const invalidCommand = new CommandError('ERR Invalid command specified');
const invalidCount = new CommandError('ERR Invalid number of arguments specified for command');
const noKeys = new CommandError('ERR The command has no key arguments');
const invalidArguments = new CommandError('ERR Invalid arguments specified for command');

/** The command line that begins at argument 2, and its keys. Throws when it has none. */
function keysOfLine(ctx: Context, args: Args): { line: Args; keys: KeyList } {
  const line = new Args(args.buf, args.argc);
  for (let i = 2; i < args.argc; i++) line.push(args.off[i]!, args.len[i]!);
  const found = ctx.server.commands.resolve(line);
  if (found === undefined) throw invalidCommand;
  if (found.keys === undefined) throw noKeys;
  const { arity } = found;
  if (arity > 0 ? line.argc !== arity : line.argc < -arity) throw invalidCount;
  const keys = new KeyList();
  const anyFound = found.keys.find(line, keys) && keys.count > 0;
  if (!anyFound && (found.flagBits & Flag.no_mandatory_keys) === 0) throw invalidArguments;
  return { line, keys };
}

function replyKey(line: Args, keys: KeyList, i: number, reply: Reply): void {
  const at = keys.at[i]!;
  reply.bulk(line.buf, line.off[at]!, line.len[at]!);
}

const getkeys = command({
  ...common,
  name: 'getkeys',
  arity: -4,
  since: '2.8.13',
  summary: 'Returns which arguments of a command line are keys.',
  complexity: 'O(N) where N is the number of arguments to the command',
  syntax: 'command [arg ...]',

  run(ctx, args, reply) {
    const { line, keys } = keysOfLine(ctx, args);
    reply.array(keys.count);
    for (let i = 0; i < keys.count; i++) replyKey(line, keys, i, reply);
  },
});

const getkeysandflags = command({
  ...common,
  name: 'getkeysandflags',
  arity: -4,
  since: '7.0.0',
  summary: 'Returns which arguments of a command line are keys, and what is done with each.',
  complexity: 'O(N) where N is the number of arguments to the command',
  syntax: 'command [arg ...]',

  run(ctx, args, reply) {
    const { line, keys } = keysOfLine(ctx, args);
    reply.array(keys.count);
    for (let i = 0; i < keys.count; i++) {
      reply.array(2);
      replyKey(line, keys, i, reply);
      replyWords(keys.uses[i]!.flags, reply);
    }
  },
});

/** COMMAND [COUNT | DOCS | GETKEYS | GETKEYSANDFLAGS | HELP | INFO | LIST] */
export const commandCommand = command({
  ...common,
  name: 'command',
  arity: -1,
  since: '2.8.13',
  summary: 'Returns how all commands are called; a container for more about commands.',
  complexity: 'O(N) where N is the number of commands',
  tips: ['nondeterministic_output_order'],
  subcommands: [
    count,
    docs,
    getkeys,
    getkeysandflags,
    helpCommand(
      'server',
      '5.0.0',
      [
        '(no subcommand)',
        '    How every command is called.',
        'COUNT',
        '    The number of commands.',
        'DOCS [<name> ...]',
        '    The documentation of commands.',
        'GETKEYS <command line>, GETKEYSANDFLAGS <command line>',
        '    The keys in a command line.',
        'INFO [<name> ...]',
        '    How the named commands are called.',
        'LIST [FILTERBY (MODULE <name> | ACLCAT <category> | PATTERN <pattern>)]',
        '    Command names.',
      ],
      ['connection'],
    ),
    info,
    list,
  ],

  run(ctx, _args, reply) {
    reply.array(ctx.server.commands.size);
    for (const each of ctx.server.commands) replyInfo(each, reply);
  },
});
