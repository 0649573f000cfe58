/**
 * Clients blocked by a command (BLPOP, XREAD BLOCK ...). A blocked command is kept with a copy of
 * its arguments; when a key that it waits for changes, it is run again, and either it finds what it
 * wants or goes on waiting in its place in the queue. Nothing is done for a blocked client until
 * then, but for one timer if it gave a time: to give up, or to look again (XREADGROUP CLAIM).
 */
import type { Command } from '../commands/command-table.ts';
import { type BlockRequest, waitingCost } from '../commands/context.ts';
import type { BlockingPort } from '../commands/ports/clients.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { ChangedKey, Waiters } from '../keyspace/waiters.ts';
import type { Waiter } from '../keyspace/waiting-lines.ts';
import { Reply } from '../resp/reply.ts';
import type { Session } from '../session/session.ts';
import type { Args } from '../util/args.ts';
import { heapGuard } from '../util/heap-guard.ts';
import { clearTimeout, setTimeout, TIMER_MAX_MS } from '../util/timers.ts';

const unblocked = 'UNBLOCKED client unblocked via CLIENT UNBLOCK';

/** Bytes of keys no longer than this are written by a loop: cheaper than a call and an object. */
const LOOP_MAX = 48;

/** A command that waits. */
export class Blocked implements Waiter {
  readonly session: Session;
  readonly command: Command;
  readonly args: Args;
  readonly wants: ReadonlyMap<string, string>;
  places: Waiter['places'] = [];
  readonly dbIndex: number;
  readonly type: number;
  readonly wakesWhenGone: boolean;
  readonly untilMs: number;
  /** When to look again, 0 for never; each time it runs it says so anew. */
  retryAtMs: number;
  readonly onTimeout: (reply: Reply) => void;
  readonly onEnd: (() => void) | undefined;
  timer: NodeJS.Timeout | undefined;
  /** Bytes that it costs. */
  readonly bytes: number;

  constructor(session: Session, command: Command, request: BlockRequest) {
    this.session = session;
    this.command = command;
    this.dbIndex = session.dbIndex;
    this.args = request.args.copy();
    this.wants = wantsOf(request);
    this.bytes = waitingCost(request);
    this.type = request.type;
    this.wakesWhenGone = request.wakesWhenGone === true;
    this.untilMs = request.untilMs;
    this.retryAtMs = request.retryAtMs ?? 0;
    this.onTimeout = request.onTimeout;
    this.onEnd = request.onEnd;
  }
}

/** What is wanted of each key; one that is named twice is waited for once. */
function wantsOf({ keys, wants }: BlockRequest): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  keys.forEach((key, i) => {
    const before = found.get(key);
    const want = wants?.[i] ?? '';
    found.set(key, before === undefined ? want : `${before} ${want}`);
  });
  return found;
}

export interface BlockingHooks {
  /** Wall clock in ms. */
  now(): number;
  /** Sets the clock of what is run again; call it where no command has done so. */
  updateClock(): void;
  readonly keyspace: Keyspace;
  /** Whether a script is half done: nobody may see what it has changed; it serves at its end. */
  isTorn(): boolean;
  /** Runs a blocked command again as a key has changed. False when it goes on waiting. */
  retry(blocked: Blocked, key: string, reply: Reply): boolean;
  /** Sends a reply's content to a session. */
  send(session: Session, reply: Reply): void;
  /** A wait has ended with this error; `byClient`: another client ended it. */
  failed(command: Command, error: string, byClient: boolean): void;
  /** The reply of a command that was run again is sent. */
  replied(): void;
  /** The session may go on with what it has sent meanwhile. */
  resume(session: Session): void;
}

export class Blocking implements BlockingPort {
  private readonly waiters: Waiters<Blocked>;
  private readonly hooks: BlockingHooks;
  private readonly bySession = new Map<Session, Blocked>();
  private readonly reply = new Reply();
  /** Bytes of a short key. */
  private readonly shortKey = new Uint8Array(LOOP_MAX);
  private serving = false;
  /** How many of them gave a time. */
  timed = 0;
  /** Called when what a session's command takes while it waits has changed. */
  onCost: (session: Session) => void = () => {};

  constructor(waiters: Waiters<Blocked>, hooks: BlockingHooks) {
    this.waiters = waiters;
    this.hooks = hooks;
  }

  /** Number of blocked clients. */
  get size(): number {
    return this.bySession.size;
  }

  /** Makes a session wait. */
  block(session: Session, command: Command, request: BlockRequest): void {
    const blocked = new Blocked(session, command, request);
    this.bySession.set(session, blocked);
    session.blocked = true;
    session.blockedBytes = blocked.args.byteLength;
    session.blockedCost = blocked.bytes;
    heapGuard.count('blocked commands', blocked.bytes);
    this.waiters.add(blocked);
    this.startTimer(blocked);
  }

  /**
   * What a session's command waits for, and is no key, has come: the command is run again, for the
   * last time. Nothing else may be under way (`isTorn`).
   */
  proceed(session: Session): void {
    const blocked = this.bySession.get(session);
    if (blocked === undefined) return;
    this.hooks.updateClock();
    this.reply.version = session.respVersion;
    this.hooks.retry(blocked, '', this.reply);
    this.release(blocked);
    this.hooks.replied();
    this.serve();
  }

  /** Serves the waiters of keys that have changed. Call it after each command. */
  serve(): void {
    if (this.serving || this.hooks.isTorn()) return;
    this.serving = true;
    // What is served may change further keys: BLMOVE pushes to its destination.
    while (this.waiters.hasChanged) {
      for (const key of this.waiters.take()) this.serveKey(key);
    }
    this.serving = false;
  }

  /** O(what is served, and one attempt for each line of waiters). */
  private serveKey(key: ChangedKey): void {
    let type = this.typeOf(key);
    if (!key.isWanted(type)) return;
    const round = this.waiters.round(key);
    for (; ; type = this.typeOf(key)) {
      const blocked = round.next(type);
      if (blocked === undefined) return;
      const { retryAtMs } = blocked;
      this.reply.version = blocked.session.respVersion;
      if (this.hooks.retry(blocked, key.key, this.reply)) {
        // Whoever comes next for one of its other keys must look there when it would have.
        blocked.retryAtMs = retryAtMs;
        this.release(blocked);
        this.hooks.replied();
      } else {
        this.reply.rollback(0);
        if (blocked.retryAtMs > 0) this.startTimer(blocked);
      }
    }
  }

  /** Type of a key's value, undefined when there is none. */
  private typeOf({ dbIndex, key }: ChangedKey): number | undefined {
    const db = this.hooks.keyspace.dbs[dbIndex]!;
    const entry = db.find(this.bytesOf(key), 0, key.length);
    return entry === 0 ? undefined : db.typeOf(entry);
  }

  /** A key's bytes, good until the next call. */
  private bytesOf(key: string): Uint8Array {
    const { length } = key;
    if (length > LOOP_MAX) return Buffer.from(key, 'latin1');
    for (let i = 0; i < length; i++) this.shortKey[i] = key.charCodeAt(i);
    return this.shortKey;
  }

  /**
   * Ends a session's wait as its timeout would, or with an error. Returns whether it was blocked.
   */
  unblock(session: Session, withError: boolean): boolean {
    const blocked = this.bySession.get(session);
    if (blocked === undefined) return false;
    this.reply.version = session.respVersion;
    if (withError) {
      this.reply.error(unblocked);
      this.hooks.failed(blocked.command, unblocked, true);
    } else blocked.onTimeout(this.reply);
    this.release(blocked);
    return true;
  }

  /** Ends all waits with an error, and the connections with them: the server's role changes. */
  endAll(error: string): void {
    for (const blocked of [...this.bySession.values()]) {
      this.reply.version = blocked.session.respVersion;
      this.reply.error(error);
      this.hooks.failed(blocked.command, error, false);
      this.remove(blocked);
      this.hooks.send(blocked.session, this.reply);
      // Only now: what is sent to a client on its way out would be dropped.
      blocked.session.closeAfterReply();
      this.hooks.send(blocked.session, this.reply);
    }
  }

  /** Ends a session's wait with an error. */
  fail(session: Session, error: string): void {
    const blocked = this.bySession.get(session);
    if (blocked === undefined) return;
    this.reply.version = session.respVersion;
    this.reply.error(error);
    this.hooks.failed(blocked.command, error, false);
    this.release(blocked);
  }

  /** The session has ended. */
  forget(session: Session): void {
    const blocked = this.bySession.get(session);
    if (blocked !== undefined) this.remove(blocked);
  }

  /** The reply is written: sends it and lets the session go on. */
  private release(blocked: Blocked): void {
    this.remove(blocked);
    this.hooks.send(blocked.session, this.reply);
    this.hooks.resume(blocked.session);
  }

  private remove(blocked: Blocked): void {
    if (blocked.timer !== undefined) this.timed--;
    clearTimeout(blocked.timer);
    heapGuard.count('blocked commands', -blocked.bytes);
    if (blocked.retryAtMs > 0) this.handOn(blocked);
    this.waiters.remove(blocked);
    this.bySession.delete(blocked.session);
    blocked.session.blocked = false;
    blocked.session.blockedBytes = 0;
    blocked.session.blockedCost = 0;
    this.onCost(blocked.session);
    blocked.onEnd?.();
  }

  /** Only the first of a line is kept informed of when to look again: it tells the next one. */
  private handOn(blocked: Blocked): void {
    for (const next of this.waiters.successors(blocked)) {
      if (next.retryAtMs > 0 && next.retryAtMs <= blocked.retryAtMs) continue;
      next.retryAtMs = blocked.retryAtMs;
      this.startTimer(next);
    }
  }

  /**
   * Looks whose time has come. For a clock that may jump: timers do not notice that. O(blocked
   * clients).
   */
  checkTimers(): void {
    for (const blocked of [...this.bySession.values()]) {
      if (blocked.timer !== undefined) this.onTimer(blocked);
    }
  }

  private startTimer(blocked: Blocked): void {
    const { untilMs, retryAtMs } = blocked;
    if (blocked.timer !== undefined) this.timed--;
    clearTimeout(blocked.timer);
    blocked.timer = undefined;
    if (untilMs <= 0 && retryAtMs <= 0) return;
    const next = Math.min(
      untilMs || Number.POSITIVE_INFINITY,
      retryAtMs || Number.POSITIVE_INFINITY,
    );
    const left = Math.max(0, next - this.hooks.now());
    blocked.timer = setTimeout(() => this.onTimer(blocked), Math.min(left, TIMER_MAX_MS));
    blocked.timer.unref();
    this.timed++;
  }

  private onTimer(blocked: Blocked): void {
    const { session, untilMs, retryAtMs } = blocked;
    const nowMs = this.hooks.now();
    if (untilMs > 0 && nowMs >= untilMs) {
      this.unblock(session, false);
      return;
    }
    if (retryAtMs > 0 && nowMs >= retryAtMs) {
      this.hooks.updateClock();
      this.waiters.retry(blocked);
      this.serve();
      // Not tried itself: others stand before it, and they will tell it when to look.
      if (blocked.retryAtMs === retryAtMs) blocked.retryAtMs = 0;
    }
    if (this.bySession.get(session) === blocked) this.startTimer(blocked);
  }
}
