/**
 * The composition root: builds arena, keyspace, commands, sessions and listeners, and owns their
 * lifecycle. Nothing here is global, so several servers live in one process.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { totalmem } from 'node:os';
import { CommandTable } from '../commands/command-table.ts';
import { Context } from '../commands/context.ts';
import type { PauseMode, ServerPort, SessionPort, ShutdownRequest } from '../commands/ports.ts';
import { allCommands } from '../commands/registry.ts';
import type { Config } from '../config/config.ts';
import { Keyspace } from '../keyspace/keyspace.ts';
import { Arena } from '../memory/arena.ts';
import type { Connection } from '../net/connection.ts';
import { Listener } from '../net/listener.ts';
import { Reply } from '../resp/reply.ts';
import { defaultParserLimits, type ParserLimits, RequestParser } from '../resp/request-parser.ts';
import { Session } from '../session/session.ts';
import { CommandError } from '../util/errors.ts';
import { Cron } from './cron.ts';
import { Dispatcher } from './dispatcher.ts';
import { Gates } from './gates.ts';
import { buildInfo } from './info.ts';
import { Log, type LogLevel } from './log.ts';
import { OutputLimits } from './output-limits.ts';
import { sameSecret } from './passwords.ts';
import { Stats } from './stats.ts';
import { REDIS_VERSION } from './version.ts';

/** What tests and embedders may replace. */
export interface ServerHooks {
  /** Wall clock, ms since the epoch. */
  readonly now?: () => number;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Receives log lines instead of the configured destination. */
  readonly log?: (line: string) => void;
  /** Ends the process; called by SHUTDOWN after everything is closed. Absent: only `closed`. */
  readonly exit?: (code: number) => void;
}

export class Server implements ServerPort {
  readonly config: Config;
  readonly commands = new CommandTable(allCommands);
  readonly keyspace: Keyspace;
  readonly stats = new Stats();
  readonly gates: Gates;
  readonly logger: Log;
  readonly startedAtMs: number;
  readonly version = REDIS_VERSION;
  readonly runId = randomBytes(20).toString('hex');
  replicationId = randomBytes(20).toString('hex');
  lastSaveSeconds: number;
  readonly now: () => number;
  private readonly sessionsById = new Map<number, Session>();
  private readonly reply = new Reply();
  private readonly dispatcher: Dispatcher;
  private readonly listener: Listener;
  private readonly outputLimits = new OutputLimits();
  private readonly parserLimits: ParserLimits = { ...defaultParserLimits };
  readonly cron: Cron;
  /** Whether port 0 means "any free port" (embedding) rather than "no TCP" (redis.conf). */
  anyPort = false;
  /** Path of the pid file that was written, empty when none was. */
  pidFile = '';
  readonly systemMemory = totalmem();
  readonly startupMemory: number;
  private readonly exit: ((code: number) => void) | undefined;
  private nextSessionId = 1;
  private pauseTimer: NodeJS.Timeout | undefined;
  private closePromise: Promise<void> | undefined;
  private sessionsGone: (() => void) | undefined;

  constructor(config: Config, hooks: ServerHooks = {}) {
    this.config = config;
    this.now = hooks.now ?? Date.now;
    this.exit = hooks.exit;
    this.logger = new Log(this.now);
    this.logger.sink = hooks.log;
    this.startedAtMs = this.now();
    this.lastSaveSeconds = Math.floor(this.startedAtMs / 1000);
    this.keyspace = new Keyspace({
      arena: new Arena(),
      databases: config.number('databases'),
      hashKey: new Int32Array(new Uint8Array(randomBytes(8)).buffer),
      random: hooks.random ?? Math.random,
    });
    this.keyspace.nowMs = this.startedAtMs;
    this.gates = new Gates(
      () => this.keyspace.usedBytes,
      (session) => this.refuseProtected(session, 'enable-debug-command'),
    );
    const context = new Context(this.keyspace, this);
    this.dispatcher = new Dispatcher(this.commands, context, this.reply, this.gates, this.stats, {
      now: this.now,
      flush: (session) => this.flush(session),
      crossProtocol: (session) => {
        this.log(
          'warning',
          'Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: ' +
            'commands. Connection aborted.',
        );
        session.kill();
      },
      handlerFailed: (command, error) => this.reportBug(command, error),
      dataDamaged: (command, error) => this.dieDamaged(command, error),
    });
    this.listener = new Listener((connection) => this.accept(connection));
    this.cron = new Cron(this);
    this.applyConfig();
    this.startupMemory = this.usedMemory();
  }

  // ---- sessions ----------------------------------------------------------------------------

  sessions(): Iterable<Session> {
    return this.sessionsById.values();
  }

  get sessionCount(): number {
    return this.sessionsById.size;
  }

  sessionById(id: number): Session | undefined {
    return this.sessionsById.get(id);
  }

  readable(session: Session, bytes: number): void {
    this.stats.netInputBytes += bytes;
    this.dispatcher.process(session);
    const limit = this.config.number('client-query-buffer-limit');
    if (session.parser.bufferedBytes > limit) {
      this.stats.clientQueryLimitDisconnections++;
      this.log(
        'warning',
        `Closing client that reached max query buffer length: ${session.describe(this.now())}`,
      );
      session.kill();
    }
  }

  drained(session: Session): void {
    session.softLimitSinceMs = 0;
  }

  ended(session: Session): void {
    this.sessionsById.delete(session.id);
    if (this.sessionsById.size === 0) this.sessionsGone?.();
  }

  /** Timeouts, soft output limits and the end of CLIENT PAUSE; called by the cron. */
  checkClients(nowMs: number): void {
    const idleMs = this.config.number('timeout') * 1000;
    for (const session of this.sessionsById.values()) {
      if (idleMs > 0 && nowMs - session.lastSeenMs > idleMs) {
        this.log('verbose', 'Closing idle client');
        session.kill();
      } else this.enforceOutputLimit(session, nowMs);
    }
    this.stats.peakMemory = Math.max(this.stats.peakMemory, this.usedMemory());
  }

  private accept(connection: Connection): void {
    this.stats.connectionsReceived++;
    const refusal = this.refusal(connection);
    if (refusal !== undefined) {
      this.stats.rejectedConnections++;
      const line = Buffer.from(`-${refusal}\r\n`, 'latin1');
      connection.start();
      connection.write(line, line.length);
      connection.end();
      return;
    }
    connection.setNoDelay();
    connection.setKeepAlive(this.config.number('tcp-keepalive'));
    const parser = new RequestParser(this.parserLimits);
    const session = new Session(this.nextSessionId++, connection, parser, this, this.now());
    session.authenticated = !this.gates.passwordRequired;
    connection.receiver = session;
    this.sessionsById.set(session.id, session);
    connection.start();
  }

  /** Why a connection may not come in, or undefined. */
  private refusal(connection: Connection): string | undefined {
    if (this.sessionsById.size >= this.config.number('maxclients')) {
      return 'ERR max number of clients reached';
    }
    const local = connection.unixPath !== undefined || isLoopback(connection.remoteAddress);
    if (local || this.gates.passwordRequired || !this.config.bool('protected-mode'))
      return undefined;
    return protectedModeText;
  }

  /** Sends what the reply buffer holds to a session; ends it when it is closing. */
  private flush(session: Session): void {
    const { reply } = this;
    const length = reply.pos;
    if (length > 0) {
      session.netOutputBytes += length;
      this.stats.netOutputBytes += length;
      this.stats.writesProcessed++;
      if (session.closed) reply.pos = 0;
      else if (session.connection.write(reply.buf, length)) reply.clear();
      else {
        reply.renew();
        this.enforceOutputLimit(session, this.now());
      }
    }
    if (session.closing && !session.closed) session.connection.end();
  }

  private enforceOutputLimit(session: Session, nowMs: number): void {
    const unsent = session.connection.unsentBytes;
    if (unsent === 0) return;
    if (this.outputLimits.exceeded(session, unsent, nowMs, this.gates.passwordRequired)) {
      this.stats.clientOutputLimitDisconnections++;
      const line = session.describe(nowMs);
      this.log('warning', `Client ${line} closed for overcoming of output buffer limits.`);
      session.kill();
    }
  }

  // ---- ServerPort --------------------------------------------------------------------------

  info(sections: readonly string[]): string {
    return buildInfo(this, sections);
  }

  resetStats(): void {
    this.stats.reset();
    this.keyspace.hits = 0;
    this.keyspace.misses = 0;
    this.keyspace.expiredKeys = 0;
    for (const command of this.commands) {
      command.resetStats();
      for (const sub of command.subcommands ?? []) sub.resetStats();
    }
  }

  pauseClients(untilMs: number, mode: PauseMode): void {
    const { gates } = this;
    // As Redis: a pause under way is never shortened nor made weaker.
    if (gates.pausedUntilMs === 0 || mode === 'all') gates.pauseMode = mode;
    gates.pausedUntilMs = Math.max(gates.pausedUntilMs, untilMs);
    const left = Math.min(gates.pausedUntilMs - this.now(), TIMER_MAX_MS);
    clearTimeout(this.pauseTimer);
    this.pauseTimer = setTimeout(() => this.endPause(), left + 1);
    this.pauseTimer.unref();
  }

  unpauseClients(): void {
    this.gates.pausedUntilMs = 0;
    clearTimeout(this.pauseTimer);
    // Not now: the command that asks is still being run.
    setImmediate(() => this.resumeClients());
  }

  private endPause(): void {
    const { pausedUntilMs } = this.gates;
    if (pausedUntilMs === 0) return;
    if (this.now() >= pausedUntilMs) {
      this.gates.pausedUntilMs = 0;
      this.resumeClients();
    } else this.pauseClients(pausedUntilMs, this.gates.pauseMode);
  }

  private resumeClients(): void {
    for (const session of this.sessionsById.values()) {
      if (session.postponed.length === 0) continue;
      this.dispatcher.resume(session);
      session.parser.detach();
    }
  }

  unblock(_id: number, _withError: boolean): boolean {
    // No command of this server blocks a client yet, so no client is ever found blocked.
    return false;
  }

  log(level: LogLevel, message: string): void {
    this.logger.write(level, message);
  }

  setActiveExpire(enabled: boolean): void {
    this.cron.activeExpire = enabled;
  }

  sleep(ms: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  }

  changeReplicationId(): void {
    this.replicationId = randomBytes(20).toString('hex');
  }

  authenticate(session: SessionPort, user: string, password: Uint8Array): boolean {
    const expected = this.config.string('requirepass');
    if (user !== 'default') return false;
    if (expected !== '' && !sameSecret(expected, password)) return false;
    session.authenticated = true;
    session.user = user;
    return true;
  }

  usedMemory(): number {
    return this.keyspace.usedBytes + this.reply.buf.length + this.clientMemory();
  }

  /** Bytes that all clients cost. O(clients). */
  clientMemory(): number {
    let total = 0;
    for (const session of this.sessionsById.values()) total += session.memoryBytes();
    return total;
  }

  garbageWaits(): void {
    this.cron.wake();
  }

  shutdown(request: ShutdownRequest): void {
    if (request.abort) throw new CommandError('ERR No shutdown in progress.');
    this.log('warning', 'User requested shutdown...');
    void this.stop(0);
  }

  /** Closes everything, then ends the process where the embedder gave a way to. */
  async stop(code: number): Promise<void> {
    await this.close();
    if (this.pidFile !== '') {
      this.log('notice', 'Removing the pid file.');
      rmSync(this.pidFile, { force: true });
    }
    this.log('warning', 'respite is now ready to exit, bye bye...');
    this.exit?.(code);
  }

  private refuseProtected(session: Session, directive: string): CommandError | undefined {
    const allowed = this.config.string(directive);
    if (allowed === 'yes') return undefined;
    const { connection } = session;
    const local = connection.unixPath !== undefined || isLoopback(connection.remoteAddress);
    if (allowed === 'local' && local) return undefined;
    return debugRefused;
  }

  private reportBug(command: string, error: unknown): void {
    this.log('warning', `Internal error in '${command}': ${stackOf(error)}`);
  }

  /** Data may be half changed: nobody is served any more. */
  private dieDamaged(command: string, error: unknown): void {
    this.reportBug(command, error);
    this.log('warning', 'The data may be damaged: stopping rather than serving it.');
    this.exit?.(1);
    void this.close();
  }

  /** Applies directives that have a running counterpart, now and whenever they change. */
  private applyConfig(): void {
    const { config, gates, keyspace, parserLimits } = this;
    const apply = (names: readonly string[], action: () => void) => {
      action();
      for (const name of names) config.onChange(name, action);
    };
    apply(['loglevel', 'logfile'], () => {
      this.logger.level = config.string('loglevel');
      this.logger.file = config.string('logfile');
    });
    apply(['requirepass'], () => {
      gates.passwordRequired = config.string('requirepass') !== '';
    });
    apply(['maxmemory'], () => {
      gates.maxMemory = config.number('maxmemory');
    });
    apply(['maxmemory-policy', 'lfu-log-factor', 'lfu-decay-time'], () => {
      keyspace.lfuEnabled = config.string('maxmemory-policy').endsWith('-lfu');
      keyspace.lfu.logFactor = config.number('lfu-log-factor');
      keyspace.lfu.decayMinutes = config.number('lfu-decay-time');
    });
    apply(['proto-max-bulk-len'], () => {
      parserLimits.maxBulkBytes = config.number('proto-max-bulk-len');
    });
    apply(['client-output-buffer-limit'], () => this.outputLimits.update(config));
    apply(['hz'], () => this.cron.restart());
  }

  // ---- lifecycle ---------------------------------------------------------------------------

  /** Opens the configured sockets. Throws ListenError; nothing stays open then. */
  async listen(): Promise<void> {
    const { config, listener } = this;
    const backlog = config.number('tcp-backlog');
    try {
      this.log('notice', 'Server initialized');
      await this.listenTcp(backlog);
      const path = config.string('unixsocket');
      if (path !== '') {
        const mode = Number.parseInt(config.string('unixsocketperm') || '0', 8);
        await listener.listenUnix(path, mode, backlog);
        this.log('notice', `The server is now ready to accept connections at ${path}`);
      }
    } catch (error) {
      listener.close();
      throw error;
    }
    this.cron.start();
  }

  /** Port of the first TCP socket; 0 when there is none. */
  get port(): number {
    return this.listener.address?.port ?? 0;
  }

  /** Host of the first TCP socket, as one connects to it. */
  get host(): string {
    const address = this.listener.address?.address ?? '127.0.0.1';
    if (address === '0.0.0.0') return '127.0.0.1';
    return address === '::' ? '::1' : address;
  }

  /** Ends everything: no socket, timer or other handle stays open. Resolves when all are gone. */
  close(): Promise<void> {
    this.closePromise ??= this.closeNow();
    return this.closePromise;
  }

  /** Throws all data away and ends every client's state (tests, between cases). */
  resetData(): void {
    for (const db of this.keyspace.dbs) db.clear();
    while (this.keyspace.freeGarbage(100_000));
  }

  private async closeNow(): Promise<void> {
    this.cron.stop();
    clearTimeout(this.pauseTimer);
    this.listener.close();
    if (this.sessionsById.size > 0) {
      const gone = new Promise<void>((resolve) => {
        this.sessionsGone = resolve;
      });
      for (const session of this.sessionsById.values()) session.kill();
      await gone;
    }
  }

  private async listenTcp(backlog: number): Promise<void> {
    const { config, listener } = this;
    const port = config.number('port');
    if (port === 0 && !this.anyPort) return;
    const hosts = config
      .string('bind')
      .split(' ')
      .filter((h: string) => h !== '');
    let bound = port;
    let opened = 0;
    for (const entry of hosts.length === 0 ? ['*', '-::*'] : hosts) {
      const optional = entry.startsWith('-');
      const host = optional ? entry.slice(1) : entry;
      try {
        bound = await listener.listenTcp(
          host === '*' ? '0.0.0.0' : host.replace('::*', '::'),
          bound,
          backlog,
        );
        opened++;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (optional) continue;
        this.log(
          'warning',
          `Warning: Could not create server TCP listening socket ${host}:${bound}: bind: ${reason}`,
        );
        this.log('warning', `Failed listening on port ${bound} (tcp), aborting.`);
        throw error;
      }
    }
    if (opened > 0) this.log('notice', 'Ready to accept connections tcp');
  }
}

/** Node's timers overflow past 2^31 ms. */
const TIMER_MAX_MS = 2 ** 30;

const debugRefused = new CommandError(
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", ' +
    'you can run it from a local connection, otherwise you need to set this option in the ' +
    'configuration file, and then restart the server.',
);

const protectedModeText =
  'DENIED respite is running in protected mode because no password is set for the default user ' +
  'and the connection does not come from the loopback interface. Connect from this machine, set ' +
  'a password (requirepass), or turn protected mode off (protected-mode no) if the network is ' +
  'trusted.';

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
