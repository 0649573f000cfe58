/**
 * COMMAND DOCS: specs as maps, for people and for redis-cli's hints.
 */
import { ConstantReply } from '../../resp/constant-reply.ts';
import type { Reply } from '../../resp/reply.ts';
import type { Command } from '../command-table.ts';
import { type Argument, parseSyntax } from '../syntax.ts';

/** What was written of each command before: names never change, nor does what commands do. */
const written = new WeakMap<Command, ConstantReply>();

/** Writes `name` and the map of its documentation. O(bytes); the first time O(size of the spec). */
export function replyDocs(command: Command, reply: Reply): void {
  let docs = written.get(command);
  if (docs === undefined) {
    docs = new ConstantReply();
    written.set(command, docs);
  }
  docs.write(reply, (draft) => writeDocs(command, draft));
}

function writeDocs(command: Command, reply: Reply): void {
  const { spec } = command;
  const syntax = parseSyntax(spec.syntax ?? '');
  reply.bulkLatin1(command.fullName);
  const mark = reply.beginDeferred();
  let fields = 4;
  text(reply, 'summary', spec.summary);
  text(reply, 'since', spec.since);
  text(reply, 'group', spec.group);
  text(reply, 'complexity', spec.complexity);
  if (spec.deprecated !== undefined) {
    reply.bulkLatin1('doc_flags');
    reply.set(1);
    reply.simple('deprecated');
    text(reply, 'deprecated_since', spec.deprecated.since);
    text(reply, 'replaced_by', spec.deprecated.replacedBy);
    fields += 3;
  } else if (spec.system) {
    reply.bulkLatin1('doc_flags');
    reply.set(1);
    reply.simple('syscmd');
    fields++;
  }
  if (syntax.length > 0) {
    reply.bulkLatin1('arguments');
    replyArguments(syntax, { next: 0, last: (spec.keys?.length ?? 0) - 1 }, reply);
    fields++;
  }
  if (command.subcommands !== undefined) {
    reply.bulkLatin1('subcommands');
    reply.map(command.subcommands.size);
    for (const sub of command.subcommands) writeDocs(sub, reply);
    fields++;
  }
  reply.endMap(mark, fields);
}

function text(reply: Reply, name: string, value: string): void {
  reply.bulkLatin1(name);
  reply.bulkString(value);
}

/** Which key specification the next key belongs to, and which is the last one. */
interface KeyCount {
  next: number;
  readonly last: number;
}

/**
 * Key arguments are numbered through in the order of the key specs; the last one takes the rest.
 */
function replyArguments(found: readonly Argument[], keys: KeyCount, reply: Reply): void {
  reply.array(found.length);
  for (const argument of found) {
    const mark = reply.beginDeferred();
    let fields = 2;
    text(reply, 'name', argument.name);
    text(reply, 'type', argument.type);
    const keySpec = argument.keySpec ?? (argument.type === 'key' ? keys.next++ : undefined);
    if (keySpec !== undefined) {
      reply.bulkLatin1('key_spec_index');
      reply.int(Math.min(keySpec, keys.last));
      fields++;
    }
    if (argument.token !== undefined) {
      text(reply, 'token', argument.token);
      fields++;
    }
    const flags = [];
    if (argument.optional) flags.push('optional');
    if (argument.multiple) flags.push('multiple');
    if (argument.multipleToken) flags.push('multiple_token');
    if (flags.length > 0) {
      reply.bulkLatin1('flags');
      reply.set(flags.length);
      for (const flag of flags) reply.simple(flag);
      fields++;
    }
    if (argument.arguments.length > 0) {
      reply.bulkLatin1('arguments');
      replyArguments(argument.arguments, keys, reply);
      fields++;
    }
    reply.endMap(mark, fields);
  }
}
