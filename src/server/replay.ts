/**
 * Runs the commands of append-only files: through the executor, for a session that no client has,
 * that passes every gate and whose replies nobody reads.
 */
import type { User } from '../acl/user.ts';
import type { Command, CommandTable } from '../commands/command-table.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { type AofTarget, UnknownCommand } from '../persistence/aof/load.ts';
import { RequestParser } from '../resp/request-parser.ts';
import type { Transport } from '../session/client.ts';
import { type Driver, Session } from '../session/session.ts';
import type { Args } from '../util/args.ts';
import type { Executor } from './executor.ts';
import { Lookahead } from './lookahead.ts';

/** A connection that leads nowhere. */
const nowhere: Transport = {
  remoteAddress: '',
  remotePort: 0,
  localAddress: '',
  localPort: 0,
  unixPath: undefined,
  fd: -1,
  unsentBytes: 0,
  write: () => true,
  writeCopy: () => true,
  end: () => {},
  destroy: () => {},
};

const nobody: Driver = {
  readable: () => {},
  drained: () => {},
  deliver: () => {},
  secured: () => {},
  ended: () => {},
  closed: () => {},
};

/** Fewer commands than this are not worth a look ahead. */
const PREFETCH_MIN = 4;

export class Replay implements AofTarget {
  private readonly table: CommandTable;
  private readonly executor: Executor;
  private readonly lookahead: Lookahead;
  private readonly session: Session;
  private readonly commands: (Command | undefined)[] = [];
  private readonly failed: (command: string, error: string) => void;

  /** `user` is one that nothing is forbidden; `failed` hears of commands that end with an error. */
  constructor(
    table: CommandTable,
    executor: Executor,
    keyspace: Keyspace,
    user: User,
    failed: (command: string, error: string) => void,
  ) {
    this.table = table;
    this.executor = executor;
    this.failed = failed;
    this.lookahead = new Lookahead(keyspace);
    this.session = new Session(0, nowhere, new RequestParser(), nobody, 0, user);
    this.session.appliesEffects = true;
  }

  begin(): void {
    this.session.dbIndex = 0;
  }

  get isInTransaction(): boolean {
    return this.session.transaction.isOpen;
  }

  discard(): void {
    this.session.transaction.end();
  }

  apply(batch: readonly Args[], count: number): void {
    const { commands, executor, session, table } = this;
    for (let i = 0; i < count; i++) {
      const command = table.resolve(batch[i]!);
      if (command === undefined) throw new UnknownCommand(batch[i]!.latin1(0), i);
      commands[i] = command;
    }
    executor.updateClock();
    if (count >= PREFETCH_MIN) this.lookahead.fetch(batch, commands, count, session);
    for (let i = 0; i < count; i++) {
      const error = executor.apply(session, batch[i]!, commands[i]!);
      if (error !== '') this.failed(commands[i]!.fullName, error);
    }
    executor.stopTiming();
  }
}
