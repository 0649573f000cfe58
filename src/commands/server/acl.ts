/**
 * ACL: users, what they may do, and what was refused.
 * Source of replies and errors: redis-server 7.0.15.
 */
import { categoryNames } from '../../acl/category-names.ts';
import type { Selector } from '../../acl/selector.ts';
import { asciiLower } from '../../acl/text.ts';
import type { Reply } from '../../resp/reply.ts';
import { Args } from '../../util/args.ts';
import { randomBytes } from '../../util/crypto.ts';
import { CommandError, wrongArity } from '../../util/errors.ts';
import { categoriesOf } from '../categories.ts';
import { wrongSubcommand } from '../help.ts';
import { intArgument } from '../integers.ts';
import { command } from '../spec.ts';
import { aclHelp } from './acl-help.ts';

const common = {
  group: 'server',
  since: '6.0.0',
  flags: ['noscript', 'loading', 'stale'],
} as const;
const admin = {
  group: 'server',
  since: '6.0.0',
  flags: ['admin', 'noscript', 'loading', 'stale'],
} as const;

const GENPASS_BITS_MAX = 4096;
const badBits = new CommandError(
  'ERR ACL GENPASS argument must be the number of bits for the output password, a positive ' +
    `number up to ${GENPASS_BITS_MAX}`,
);
const defaultStays = new CommandError("ERR The 'default' user cannot be removed");

/** Arguments from `from` on, as texts. */
function wordsFrom(args: Args, from: number): string[] {
  return Array.from({ length: Math.max(0, args.argc - from) }, (_, i) => args.latin1(from + i));
}

/** All arguments from `from` on are secret. */
function secretFrom(from: number): (args: Args) => readonly number[] {
  return ({ argc }) => Array.from({ length: Math.max(0, argc - from) }, (_, i) => from + i);
}

function replyTexts(texts: readonly string[], reply: Reply): void {
  reply.array(texts.length);
  for (const text of texts) reply.bulkLatin1(text);
}

const cat = command({
  ...common,
  name: 'cat',
  arity: -2,
  summary: 'Returns the categories of commands, or the commands of one.',
  complexity: 'O(1) since the categories and commands are a fixed set.',
  syntax: '[category:string]',

  run(ctx, args, reply) {
    if (args.argc > 3) throw wrongSubcommand(args, 'ACL');
    if (args.argc === 2) {
      replyTexts(categoryNames, reply);
      return;
    }
    const category = asciiLower(args.latin1(2));
    if (!categoryNames.includes(category)) {
      throw new CommandError(`ERR Unknown category '${args.cString(2).slice(0, 128)}'`);
    }
    const found = [...ctx.server.commands.everyCommand()]
      .filter(({ spec }) => categoriesOf(spec).includes(category))
      .map(({ fullName }) => fullName);
    replyTexts(found, reply);
  },
});

const deluser = command({
  ...admin,
  name: 'deluser',
  arity: -3,
  summary: 'Removes users and ends their connections.',
  complexity: 'O(1) amortized time considering the typical user.',
  syntax: 'username:string [username:string ...]',
  secrets: secretFrom(2),

  run(ctx, args, reply) {
    const names = wordsFrom(args, 2);
    if (names.includes('default')) throw defaultStays;
    reply.int(ctx.server.acl.deleteUsers(names, ctx.session));
  },
});

const dryrun = command({
  ...admin,
  name: 'dryrun',
  arity: -4,
  since: '7.0.0',
  summary: 'Returns whether a user may run a command line, without running it.',
  complexity: 'O(1).',
  syntax: 'username:string command:string [arg:string ...]',

  run(ctx, args, reply) {
    const { acl, commands } = ctx.server;
    const user = acl.users.get(args.latin1(2));
    if (user === undefined) throw new CommandError(`ERR User '${args.cString(2)}' not found`);
    const line = new Args(args.buf, args.argc);
    for (let i = 3; i < args.argc; i++) line.push(args.off[i]!, args.len[i]!);
    const found = commands.resolve(line);
    if (found === undefined) throw new CommandError(`ERR Command '${args.cString(3)}' not found`);
    const { arity } = found;
    if (arity > 0 ? line.argc !== arity : line.argc < -arity) throw wrongArity(found.fullName);
    const refused = acl.explain(user, found, line);
    if (refused === undefined) reply.ok();
    else reply.bulkLatin1(refused);
  },
});

const genpass = command({
  ...common,
  name: 'genpass',
  arity: -2,
  summary: 'Returns a password made of random hexadecimal digits.',
  complexity: 'O(1)',
  syntax: '[bits:integer]',

  run(_ctx, args, reply) {
    if (args.argc > 3) throw wrongSubcommand(args, 'ACL');
    const bits = args.argc === 3 ? intArgument(args, 2) : 256;
    if (bits <= 0 || bits > GENPASS_BITS_MAX) throw badBits;
    const digits = Math.ceil(bits / 4);
    reply.bulkLatin1(
      randomBytes((digits + 1) >> 1)
        .toString('hex')
        .slice(0, digits),
    );
  },
});

const getuser = command({
  ...admin,
  name: 'getuser',
  arity: 3,
  summary: 'Returns the rules of a user.',
  complexity:
    'O(N). Where N is the number of password, command and pattern rules that the user has.',
  syntax: 'username:string',

  run(ctx, args, reply) {
    const user = ctx.server.acl.users.get(args.latin1(2));
    if (user === undefined) {
      reply.null();
      return;
    }
    const [root, ...others] = user.selectors;
    const flags = user.describeFlags();
    reply.map(6);
    reply.bulkLatin1('flags');
    reply.set(flags.length);
    for (const flag of flags) reply.bulkLatin1(flag);
    reply.bulkLatin1('passwords');
    replyTexts([...user.passwords], reply);
    replySelector(root!, reply);
    reply.bulkLatin1('selectors');
    reply.array(others.length);
    for (const each of others) {
      reply.map(3);
      replySelector(each, reply);
    }
  },
});

/** Three pairs of a map. */
function replySelector(selector: Selector, reply: Reply): void {
  reply.bulkLatin1('commands');
  reply.bulkLatin1(selector.describeCommands());
  reply.bulkLatin1('keys');
  reply.bulkLatin1(selector.describeKeys().join(' '));
  reply.bulkLatin1('channels');
  reply.bulkLatin1(selector.describeChannels().join(' '));
}

const list = command({
  ...admin,
  name: 'list',
  arity: 2,
  summary: 'Returns all users as lines of a file.',
  complexity: 'O(N). Where N is the number of configured users.',
  run: (ctx, _args, reply) => replyTexts(ctx.server.acl.users.lines(), reply),
});

const load = command({
  ...admin,
  name: 'load',
  arity: 2,
  summary: 'Puts the users of the ACL file in the place of all users.',
  complexity: 'O(N). Where N is the number of configured users.',

  run(ctx, _args, reply) {
    ctx.server.acl.load(ctx.session);
    reply.ok();
  },
});

const log = command({
  ...admin,
  name: 'log',
  arity: -2,
  summary: 'Returns, or forgets, what was refused of late.',
  complexity: 'O(N) with N being the number of entries shown.',
  syntax: '[count:integer | RESET]',

  run(ctx, args, reply) {
    if (args.argc > 3) throw wrongSubcommand(args, 'ACL');
    const entries = ctx.server.acl.log;
    if (args.argc === 3 && args.is(2, 'RESET')) {
      entries.clear();
      reply.ok();
      return;
    }
    const count = args.argc === 3 ? intArgument(args, 2) : 10;
    const found = entries.latest(Math.max(0, count));
    reply.array(found.length);
    for (const entry of found) {
      reply.map(7);
      reply.bulkLatin1('count');
      reply.int(entry.count);
      for (const name of ['reason', 'context', 'object', 'username'] as const) {
        reply.bulkLatin1(name);
        reply.bulkLatin1(entry[name]);
      }
      reply.bulkLatin1('age-seconds');
      reply.double((ctx.nowMs - entry.atMs) / 1000);
      reply.bulkLatin1('client-info');
      reply.bulkLatin1(entry.clientInfo);
    }
  },
});

const save = command({
  ...admin,
  name: 'save',
  arity: 2,
  summary: 'Writes all users into the ACL file.',
  complexity: 'O(N). Where N is the number of configured users.',

  run(ctx, _args, reply) {
    ctx.server.acl.save();
    reply.ok();
  },
});

const setuser = command({
  ...admin,
  name: 'setuser',
  arity: -3,
  summary: 'Makes a user or changes its rules.',
  complexity: 'O(N). Where N is the number of rules provided.',
  syntax: 'username:string [rule:string [rule:string ...]]',
  secrets: secretFrom(2),

  run(ctx, args, reply) {
    ctx.server.acl.setUser(args.latin1(2), wordsFrom(args, 3), ctx.session);
    reply.ok();
  },
});

const users = command({
  ...admin,
  name: 'users',
  arity: 2,
  summary: 'Returns the names of all users.',
  complexity: 'O(N). Where N is the number of configured users.',

  run(ctx, _args, reply) {
    replyTexts(
      ctx.server.acl.users.all().map(({ name }) => name),
      reply,
    );
  },
});

const whoami = command({
  ...common,
  name: 'whoami',
  arity: 2,
  summary: 'Returns the name of the user of this connection.',
  complexity: 'O(1)',
  run: (ctx, _args, reply) => reply.bulkLatin1(ctx.session.user.name),
});

/** ACL subcommand [argument ...] */
export const aclCommand = command({
  name: 'acl',
  arity: -2,
  group: 'server',
  since: '6.0.0',
  summary: 'A container for commands about users and their rights.',
  complexity: 'Depends on subcommand.',
  flags: [],
  subcommands: [
    cat,
    deluser,
    dryrun,
    genpass,
    getuser,
    aclHelp,
    list,
    load,
    log,
    save,
    setuser,
    users,
    whoami,
  ],
});
