/**
 * What was sent and answered: a step before the executor that notes each request with its reply. It
 * stands there only while somebody records or listens.
 */
import type { Command } from '../commands/command-table.ts';
import type { Reply } from '../resp/reply.ts';
import { type ReadValue, ReplyReader } from '../resp/reply-reader.ts';
import type { Requests } from '../server/pipeline.ts';
import type { Server } from '../server/server.ts';
import type { Session } from '../session/session.ts';
import type { Args } from '../util/args.ts';
import { monotonicMs } from '../util/timers.ts';
import { checkNumber, refuseUnknown } from './check.ts';
import { clientInfo } from './client-info.ts';
import type { ReplyValue } from './local-types.ts';
import type { RecordedCommand, Recorder, RecorderOptions } from './looking-types.ts';
import { ReplyError } from './reply-error.ts';

const KEPT_MAX = 10_000;

type Entry = { -readonly [Name in keyof RecordedCommand]: RecordedCommand[Name] };

/** Told of each command when it is answered. */
export type CommandListener = (command: RecordedCommand) => void;

export class Recording implements Requests {
  private readonly server: Server;
  private readonly next: () => Requests;
  private readonly changed: () => void;
  private listeners: readonly CommandListener[] = [];
  private readonly reader = new ReplyReader((line) => new ReplyError(line));
  /** Commands that wait for a key. */
  private readonly waiting = new Map<Session, Entry>();

  constructor(server: Server, next: () => Requests, changed: () => void) {
    this.server = server;
    this.next = next;
    this.changed = changed;
  }

  get isEmpty(): boolean {
    return this.listeners.length === 0;
  }

  /** Has a listener told of each command; returns what ends that. */
  listen(listener: CommandListener): () => void {
    this.listeners = [...this.listeners, listener];
    this.server.executor.lateReply = (session, reply) => this.late(session, reply);
    this.changed();
    return () => {
      this.listeners = this.listeners.filter((other) => other !== listener);
      if (this.isEmpty) {
        this.server.executor.lateReply = undefined;
        this.waiting.clear();
      }
      this.changed();
    };
  }

  request(session: Session, args: Args, command: Command | undefined): void {
    const { reply } = this.server;
    const entry: Entry = {
      client: clientInfo(session),
      name: command?.fullName ?? args.latin1(0),
      args: textsOf(args, command),
      reply: undefined,
      ms: 0,
    };
    const start = reply.pos;
    const from = monotonicMs();
    const postponed = session.postponed.length;
    this.next().request(session, args, command);
    // It waits and comes again.
    if (session.postponed.length > postponed) return;
    entry.ms = monotonicMs() - from;
    if (session.blocked) this.waiting.set(session, entry);
    else this.done(entry, reply, start);
  }

  private late(session: Session, reply: Reply): void {
    const entry = this.waiting.get(session);
    this.waiting.delete(session);
    if (entry !== undefined) this.done(entry, reply, 0);
  }

  private done(entry: Entry, reply: Reply, start: number): void {
    const { listeners, reader } = this;
    reader.begin(reply.buf, start);
    while (reader.pos < reply.pos) {
      const value: ReadValue = reader.next();
      if (entry.reply === undefined || !reader.isPush) entry.reply = value as ReplyValue;
    }
    reader.end();
    for (const listener of listeners) listener(entry);
  }
}

/** Arguments without the name and subcommand, what is secret left out. */
function textsOf(args: Args, command: Command | undefined): string[] {
  const secrets = command?.spec.secrets?.(args) ?? [];
  const texts: string[] = [];
  for (let i = command?.parent === undefined ? 1 : 2; i < args.argc; i++) {
    texts.push(secrets.includes(i) ? '(redacted)' : args.bytes(i).toString());
  }
  return texts;
}

/** Commands kept in a list. */
export class CommandRecorder implements Recorder {
  private list: RecordedCommand[] = [];
  private readonly max: number;
  private readonly names: ReadonlySet<string> | undefined;
  private readonly end: () => void;

  constructor(recording: Recording, options: RecorderOptions = {}) {
    refuseUnknown('record()', options, ['commands', 'max']);
    checkNumber('max', options.max, 1);
    const { commands, max = KEPT_MAX } = options;
    this.names = commands && new Set(commands.map((name) => name.toLowerCase().replace(' ', '|')));
    this.max = max;
    this.end = recording.listen((command) => this.take(command));
  }

  get commands(): readonly RecordedCommand[] {
    return this.list;
  }

  of(name: string): RecordedCommand[] {
    const wanted = name.toLowerCase().replace(' ', '|');
    return this.list.filter((command) => command.name === wanted);
  }

  clear(): void {
    this.list = [];
  }

  stop(): void {
    this.end();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  private take(command: RecordedCommand): void {
    if (this.names !== undefined && !this.names.has(command.name)) return;
    this.list.push(command);
    // Not one by one: that would move the whole list each time.
    if (this.list.length >= this.max * 2) this.list = this.list.slice(-this.max);
  }
}
