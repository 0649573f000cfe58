/**
 * Faults on purpose: which requests they hit, and what they do instead of running them. They stand
 * before the executor only while there is one (`RequestWatch`); without any nothing is asked.
 */
import type { Command } from '../commands/command-table.ts';
import { KeyList } from '../commands/key-list.ts';
import type { Requests } from '../server/pipeline.ts';
import type { Server } from '../server/server.ts';
import type { Session } from '../session/session.ts';
import type { Args } from '../util/args.ts';
import { setTimeout } from '../util/timers.ts';
import { checkNumber, refuseUnknown } from './check.ts';
import { clientInfo } from './client-info.ts';
import type { Effect, Injection, Match } from './fault-types.ts';

class Fault implements Injection {
  readonly effect: Effect;
  hits = 0;
  private readonly match: Match;
  private readonly names: ReadonlySet<string> | undefined;
  private readonly random: () => number;
  private readonly onDispose: (fault: Fault) => void;

  constructor(
    match: Match,
    effect: Effect,
    random: () => number,
    onDispose: (fault: Fault) => void,
  ) {
    check(match, effect);
    const { command } = match;
    const names = typeof command === 'string' ? [command] : command;
    this.names = names && new Set(names.map((name) => name.toLowerCase().replace(' ', '|')));
    this.match = match;
    this.effect = effect;
    this.random = random;
    this.onDispose = onDispose;
  }

  /** Whether a request is hit; counts it. */
  takes(session: Session, args: Args, command: Command | undefined): boolean {
    const { client, key, probability, times } = this.match;
    if (this.names !== undefined && !this.isNamed(args, command)) return false;
    if (client !== undefined && !isClient(client, session)) return false;
    if (key !== undefined && !hasKey(key, args, command)) return false;
    if (probability !== undefined && this.random() >= probability) return false;
    this.hits++;
    if (times !== undefined && this.hits >= times) this.dispose();
    return true;
  }

  private isNamed(args: Args, command: Command | undefined): boolean {
    const { names } = this;
    if (command === undefined) return names!.has(args.latin1(0).toLowerCase());
    const { fullName, parent } = command;
    return names!.has(fullName) || (parent !== undefined && names!.has(parent.name));
  }

  dispose(): void {
    this.onDispose(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Throws TypeError or RangeError for what is no fault. */
function check(match: Match, effect: Effect): void {
  refuseUnknown("a fault's match", match, ['command', 'key', 'client', 'times', 'probability']);
  refuseUnknown("a fault's effect", effect, ['delayMs', 'error', 'drop', 'noReply', 'raw']);
  if (Object.keys(effect).length === 0) throw new TypeError('an effect that does nothing');
  checkNumber('times', match.times, 1);
  checkNumber('probability', match.probability, 0, 1);
  checkNumber('delayMs', effect.delayMs, 0);
}

function isClient(client: NonNullable<Match['client']>, session: Session): boolean {
  if (typeof client === 'function') return client(clientInfo(session));
  return typeof client === 'number' ? session.id === client : session.name === client;
}

const keys = new KeyList();

function hasKey(key: string | RegExp, args: Args, command: Command | undefined): boolean {
  if (command?.keys === undefined || !command.keys.find(args, keys)) return false;
  for (let i = 0; i < keys.count; i++) {
    const name = args.bytes(keys.at[i]!).toString();
    if (typeof key === 'string') {
      if (name === key) return true;
      continue;
    }
    // One with the flag g or y goes on from where it found something last.
    key.lastIndex = 0;
    if (key.test(name)) return true;
  }
  return false;
}

/** All faults of a server, as a step before its executor. */
export class Faults implements Requests {
  private readonly server: Server;
  private readonly next: () => Requests;
  private readonly changed: () => void;
  private list: readonly Fault[] = [];
  /** Requests that have waited, and the fault that made them. */
  private waited = new WeakMap<Args, Fault>();
  /** Requests that wait: the fault they have met may be over when they come back. */
  private waiting = 0;

  /** `next` takes what no fault has taken; `changed` is told when there are some, or none. */
  constructor(server: Server, next: () => Requests, changed: () => void) {
    this.server = server;
    this.next = next;
    this.changed = changed;
  }

  get isEmpty(): boolean {
    return this.list.length === 0 && this.waiting === 0;
  }

  inject(match: Match, effect: Effect): Injection {
    const fault = new Fault(match, effect, this.server.keyspace.random, (gone) => {
      this.list = this.list.filter((other) => other !== gone);
      this.changed();
    });
    this.list = [...this.list, fault];
    this.changed();
    return fault;
  }

  clear(): void {
    this.list = [];
    this.waited = new WeakMap();
    this.waiting = 0;
    this.changed();
  }

  request(session: Session, args: Args, command: Command | undefined): void {
    const before = this.waited.get(args);
    const fault = before ?? this.list.find((each) => each.takes(session, args, command));
    if (fault === undefined) {
      this.next().request(session, args, command);
      return;
    }
    const { effect } = fault;
    if (before !== undefined) this.cameBack(args);
    else if (effect.delayMs !== undefined) {
      this.delay(session, args, fault, effect.delayMs);
      return;
    }
    this.apply(effect, session, args, command);
  }

  private cameBack(args: Args): void {
    this.waited.delete(args);
    this.waiting--;
    if (this.isEmpty) this.changed();
  }

  /** The request waits, and with it all that the client sends after it. */
  private delay(session: Session, args: Args, fault: Fault, ms: number): void {
    const copy = args.copy();
    this.waited.set(copy, fault);
    this.waiting++;
    // It may have been the last one that this fault was for.
    this.changed();
    session.postponed.push(copy);
    const timer = setTimeout(() => {
      if (!session.closed) this.server.pipeline.resume(session);
      else if (this.waited.has(copy)) this.cameBack(copy);
    }, ms);
    timer.unref();
  }

  private apply(effect: Effect, session: Session, args: Args, command: Command | undefined): void {
    const { reply, stats } = this.server;
    const { drop, error, noReply, raw } = effect;
    const start = reply.pos;
    if (error !== undefined) {
      session.transaction.refuse();
      stats.countError(error);
      reply.error(error);
    } else if (raw !== undefined) reply.raw(Buffer.from(raw as string));
    else if (drop === true || drop === 'before') session.kill();
    else if (noReply !== true) this.next().request(session, args, command);
    if (drop !== 'after') return;
    reply.rollback(start);
    session.kill();
  }
}
