/**
 * Commands without a socket: a server that does not listen, its handlers called one by one. For
 * tests that need a hundred thousand calls; whatever lies between socket and handler is left out.
 */
import { Context } from '../../src/commands/context.ts';
import type { SessionPort } from '../../src/commands/ports/session.ts';
import { Config } from '../../src/config/config.ts';
import { Reply as ReplyWriter } from '../../src/resp/reply.ts';
import { Server } from '../../src/server/server.ts';
import { Args } from '../../src/util/args.ts';
import { decode, type Reply } from './reply.ts';

export class InProcess {
  readonly server: Server;
  readonly context: Context;
  private readonly reply = new ReplyWriter();

  constructor(
    directives: Readonly<Record<string, string>> = {},
    random: () => number = Math.random,
    appliesEffects = false,
  ) {
    const config = new Config();
    config.loadPairs(Object.entries(directives));
    this.server = new Server(config, { log: () => {}, random });
    const { executor, keyspace } = this.server;
    this.context = new Context(keyspace, this.server, executor, 0);
    this.context.session = {
      dbIndex: 0,
      respVersion: 2,
      isMuted: false,
      appliesEffects,
      user: this.server.acl.unrestricted,
    } as SessionPort;
  }

  call(...words: (string | Buffer)[]): Reply {
    const { context, reply, server } = this;
    const args = Args.of(...words);
    const command = server.commands.resolve(args)!;
    reply.pos = 0;
    context.call(command, args, reply);
    server.keyspace.changes.journal.endUnit();
    return decode(reply.buf.subarray(0, reply.pos))!.reply;
  }

  /** As `call`; the reply's texts, all of them in one list. */
  texts(...words: (string | Buffer)[]): string[] {
    return textsOf(this.call(...words));
  }

  /** Follows a cursor to its end; `between` may change data before each further call. */
  scan(before: string[], after: string[], between: (step: number) => void = () => {}): string[] {
    const out: string[] = [];
    let cursor = '0';
    let step = 0;
    do {
      const reply = this.call(...before, cursor, ...after);
      if (reply.kind !== 'array') throw new Error(`scan: ${reply.kind}`);
      const next = textsOf(reply.items[0]!)[0]!;
      out.push(...textsOf(reply.items[1]!));
      cursor = next;
      if (++step > SCAN_STEPS_MAX) throw new Error('the iteration does not end');
      if (cursor !== '0') between(step);
    } while (cursor !== '0');
    return out;
  }
}

const SCAN_STEPS_MAX = 2_000_000;

/** The texts and numbers of a reply, all of them in one list. */
export function textsOf(reply: Reply): string[] {
  if ('items' in reply) return reply.items.flatMap(textsOf);
  return 'bytes' in reply ? [reply.bytes.toString('latin1')] : [];
}
