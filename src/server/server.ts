/**
 * The composition root: builds arena, keyspace, commands, sessions and listeners, and owns their
 * lifecycle. Nothing here is global, so several servers live in one process.
 */
import { type Command, CommandTable } from '../commands/command-table.ts';
import { allCommands } from '../commands/registry.ts';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/errors.ts';
import { Compactor } from '../keyspace/compactor.ts';
import { Keyspace } from '../keyspace/keyspace.ts';
import { HeapArena } from '../memory/heap-arena.ts';
import type { FileSystem } from '../persistence/files.ts';
import type { SnapshotTaker } from '../persistence/snapshot/snapshot-writer.ts';
import { PubSub } from '../pubsub/pubsub.ts';
import { Reply } from '../resp/reply.ts';
import { defaultParserLimits, type ParserLimits } from '../resp/request-parser.ts';
import type { Session } from '../session/session.ts';
import { Tracking } from '../tracking/tracking.ts';
import { randomBytes } from '../util/crypto.ts';
import { CommandError } from '../util/errors.ts';
import { heapGuard } from '../util/heap-guard.ts';
import { latin1 } from '../util/latin1.ts';
import { monotonicMs } from '../util/timers.ts';
import { Acl } from './acl.ts';
import { applyConfig } from './apply-config.ts';
import { banner } from './banner.ts';
import type { Blocking } from './blocking.ts';
import type { CallSizes } from './call-sizes.ts';
import { ChangeStreams } from './change-streams.ts';
import { Clients } from './clients.ts';
import { Clock, checkedRandom } from './clock.ts';
import { crashReport, placeOf } from './crash-report.ts';
import { Cron } from './cron.ts';
import { DebugTools } from './debug-tools.ts';
import { Endpoints } from './endpoints.ts';
import { Eviction } from './eviction.ts';
import { Executor } from './executor.ts';
import { effectFailed } from './failed-effects.ts';
import { Failover } from './failover.ts';
import { Gates } from './gates.ts';
import type { HotKeys } from './hot-keys.ts';
import { Info } from './info.ts';
import { addInfoSections } from './info-sections.ts';
import type { LatencyMonitor } from './latency-monitor.ts';
import { Lifecycle } from './lifecycle.ts';
import { Loader } from './loading.ts';
import { Log, type LogLevel } from './log.ts';
import { MemoryFigures, type MemoryParts } from './memory-figures.ts';
import { MemoryReports } from './memory-reports.ts';
import { metricsText, unreadyReasons } from './metrics.ts';
import { MetricsServer } from './metrics-server.ts';
import { Migrations } from './migrations.ts';
import { Monitors } from './monitors.ts';
import { Notifications } from './notifications.ts';
import { OomScore } from './oom-score.ts';
import { Output } from './output.ts';
import { OutsideMemory, realOutside } from './outside-memory.ts';
import { Pause } from './pause.ts';
import { Persistence, type SavedFunctions } from './persistence.ts';
import { Pipeline } from './pipeline.ts';
import { defaultProfile, type Profile, profiles, type ServerProfile } from './profiles.ts';
import { Replay } from './replay.ts';
import { makeReplicaSide } from './replica-role.ts';
import { Replication } from './replication.ts';
import { ReplicationMaster } from './replication-master.ts';
import type { ReplicaSide } from './replication-replica.ts';
import { RuntimeFigures } from './runtime-figures.ts';
import { Scripting } from './scripting.ts';
import { ShutdownWait } from './shutdown-wait.ts';
import { SlowCalls } from './slow-calls.ts';
import type { SlowLog } from './slow-log.ts';
import { StallWatch } from './stall-watch.ts';
import { Stats } from './stats.ts';
import { refuseUnbuilt, withoutEffect } from './unbuilt.ts';
import { Upkeep } from './upkeep.ts';
import { RESPITE_VERSION } from './version.ts';

/** Buffers of replies up to this are held for what comes next. */
const HELD_REPLY_BYTES = 16 << 20;

/** What tests and embedders may replace. */
export interface ServerHooks {
  /** Wall clock, ms since the epoch. */
  readonly now?: () => number;
  /** Uniform in [0, 1). */
  readonly random?: () => number;
  /** Which server to be like where versions differ. */
  readonly profile?: Profile;
  /** The key of the keyed hash, where data is taken over that was hashed with it. */
  readonly hashKey?: Int32Array;
  /** Receives log lines instead of the configured destination. */
  readonly log?: (line: string) => void;
  /** Ends the process; called by SHUTDOWN after everything is closed. Absent: only `closed`. */
  readonly exit?: (code: number) => void;
  /** Whether what is in the directory is loaded at start; true unless this says otherwise. */
  readonly loadsData?: boolean;
  /** The disk (tests); the thread that writes snapshots uses the real one. */
  readonly files?: FileSystem;
  /** Takes snapshots in that thread's place, onto `files` (tests). */
  readonly snapshots?: (keyspace: Keyspace) => SnapshotTaker;
  /** Told of a command that changed data and did not say so (tests). */
  readonly unreportedWrite?: (command: string) => void;
}

export class Server {
  readonly config: Config;
  readonly commands = new CommandTable(allCommands);
  readonly keyspace: Keyspace;
  readonly pubsub = new PubSub();
  readonly scripts: Scripting;
  readonly migrations: Migrations;
  readonly monitors: Monitors;
  readonly tracking: Tracking;
  readonly changeStreams: ChangeStreams;
  readonly stats = new Stats();
  readonly slowCalls: SlowCalls;
  readonly runtime = new RuntimeFigures();
  readonly stalls: StallWatch;
  readonly eviction: Eviction;
  readonly memoryReports: MemoryReports;
  readonly defrag: Compactor;
  readonly gates: Gates;
  readonly logger: Log;
  readonly lifecycle: Lifecycle;
  readonly acl: Acl;
  readonly info = new Info();
  readonly debug: DebugTools;
  readonly clock: Clock;
  readonly profile: ServerProfile;
  readonly now: () => number;
  readonly clients: Clients;
  readonly reply = new Reply();
  readonly output: Output;
  readonly pause: Pause;
  readonly executor: Executor;
  readonly pipeline: Pipeline;
  readonly endpoints: Endpoints;
  readonly notifications: Notifications;
  readonly oomScore: OomScore;
  readonly parserLimits: ParserLimits = { ...defaultParserLimits };
  readonly cron: Cron;
  readonly upkeep: Upkeep;
  readonly blocking: Blocking;
  readonly memory: MemoryFigures;
  readonly persistence: Persistence;
  readonly replication: Replication;
  readonly replica: ReplicaSide;
  readonly loader: Loader;
  readonly metrics: MetricsServer;
  private readonly heapLine = (line: string) => this.log('warning', line);
  private closePromise: Promise<void> | undefined;

  constructor(config: Config, hooks: ServerHooks = {}) {
    this.config = config;
    refuseUnbuilt(config);
    this.clock = new Clock(hooks.now);
    this.now = this.clock.now;
    this.clock.onMoved = () => this.timeMoved();
    this.slowCalls = new SlowCalls(
      this.now,
      () => this.stats.netInputBytes + this.stats.netOutputBytes,
    );
    this.acl = this.makeAcl();
    this.renameCommands();
    this.monitors = new Monitors(this.clock);
    this.stalls = this.makeStallWatch();
    this.logger = new Log(this.now);
    this.logger.sink = hooks.log;
    this.profile = hooks.profile === undefined ? defaultProfile : profiles[hooks.profile];
    this.lifecycle = new Lifecycle({
      version: this.profile.version,
      tellsSmallLists: this.profile.smallLists,
      tellsActiveTimes: this.profile.activeTimes,
      startedAtMs: this.now(),
      log: (level, message) => this.log(level, message),
      finish: (save, force) => this.persistence.finish(save, force),
      close: () => this.close(),
      exit: hooks.exit,
    });
    this.keyspace = new Keyspace({
      arena: new HeapArena(),
      databases: config.number('databases'),
      hashKey: hooks.hashKey ?? new Int32Array(new Uint8Array(randomBytes(8)).buffer),
      random: hooks.random === undefined ? Math.random : checkedRandom(hooks.random),
    });
    this.keyspace.nowMs = this.lifecycle.startedAtMs;
    this.keyspace.onGarbage = () => this.cron.wake();
    const log = (level: LogLevel, message: string) => this.log(level, message);
    this.eviction = this.makeEviction();
    this.memoryReports = new MemoryReports({
      keyspace: this.keyspace,
      figures: () => this.memory,
      clientCount: () => this.clients.size,
      replicaCount: () => this.replication.replicas.count,
      scriptCount: () => this.scripts.cache.size,
    });
    this.defrag = new Compactor(this.keyspace, monotonicMs, (ms) => this.cron.wakeIn(ms));
    this.gates = new Gates(this.acl, this.eviction, (session, command) =>
      this.refuseProtected(session, command),
    );
    this.tracking = new Tracking({
      clientById: (id) => this.clients.byId(id),
      hash: (buf, off, len) => this.keyspace.dict.hash(buf, off, len),
      random: this.keyspace.random,
      listen: (on) => {
        this.keyspace.changes.invalidations = on ? this.tracking : undefined;
      },
      wantBroadcast: () => this.output.endTurn(),
    });
    this.output = new Output({
      reply: this.reply,
      stats: this.stats,
      now: this.now,
      log,
      mustAuthenticate: () => this.gates.passwordRequired,
      beforeOutboxes: () => this.tracking.broadcast(),
      onUnsent: (client) => this.clients.unsent(client as Session),
    });
    this.replication = new Replication({ config, journal: this.keyspace.changes.journal });
    this.pause = new Pause(this.now, (session) => this.pipeline.resume(session));
    this.executor = this.makeExecutor(hooks);
    this.blocking = this.executor.blocking;
    const { blocking, now, pause, replication } = this;
    this.lifecycle.wait = new ShutdownWait({ config, replication, pause, blocking, now, log });
    this.scripts = new Scripting({
      config,
      executor: this.executor,
      gates: this.gates,
      journal: this.keyspace.changes.journal,
      version: this.lifecycle.version,
      log,
    });
    this.pipeline = new Pipeline({
      table: this.commands,
      keyspace: this.keyspace,
      reply: this.reply,
      output: this.output,
      executor: this.executor,
      stats: this.stats,
      onResumed: (session) => this.clients.recount(session),
      log,
    });
    this.clients = new Clients({
      acl: this.acl,
      config,
      gates: this.gates,
      pubsub: this.pubsub,
      stats: this.stats,
      parserLimits: this.parserLimits,
      output: this.output,
      executor: this.executor,
      pipeline: this.pipeline,
      pauses: this.pause,
      replicas: () => this.replication.replicas,
      now: this.now,
      log,
    });
    this.persistence = new Persistence({
      config,
      keyspace: this.keyspace,
      output: this.output,
      functions: this.savedFunctions(),
      now: this.now,
      log,
      isTorn: () => this.executor.isBusy || this.executor.isInExec,
      usedMemory: () => this.memory.used(),
      streamPosition: () => this.replication.auxFields(),
      took: (event, ms) => this.latency.add(event, ms),
      onFatal: () => this.lifecycle.dieDamaged(),
      onHealth: (refusal) => {
        this.gates.diskRefusal = refusal;
      },
      files: hooks.files,
      snapshots: hooks.snapshots?.(this.keyspace),
    });
    this.replication.failover = new Failover({ ...this, now: this.now, log });
    this.replication.replicas = new ReplicationMaster({ ...this, now: this.now, log });
    this.changeStreams = new ChangeStreams(this.keyspace.changes.journal, this.output);
    this.loader = new Loader({
      config,
      keyspace: this.keyspace,
      persistence: this.persistence,
      target: new Replay(
        this.commands,
        this.executor,
        this.keyspace,
        this.acl.unrestricted,
        (command, error) => effectFailed(this, 'file', command, error),
      ),
      onPosition: (position) => this.replication.loaded(position),
      isReplica: () => this.replication.isReplica,
      loadsData: hooks.loadsData ?? true,
      now: this.now,
      log,
    });
    this.endpoints = new Endpoints({
      config,
      accept: (connection) => this.clients.accept(connection),
      log: (level, message) => this.log(level, message),
    });
    this.migrations = new Migrations({
      config,
      keyspace: this.keyspace,
      blocking: this.blocking,
      pause: this.pause,
      isBusy: () => this.executor.isBusy,
      context: () => this.endpoints.tls.clientContext(),
    });
    this.metrics = new MetricsServer({
      config,
      metrics: (isOpen) => metricsText(this, isOpen),
      unready: () => unreadyReasons(this),
      log,
    });
    this.oomScore = new OomScore({ config, isReplica: () => this.replication.isReplica, log });
    this.notifications = new Notifications(this.keyspace, this.pubsub);
    this.upkeep = new Upkeep({
      keyspace: this.keyspace,
      stats: this.stats,
      now: this.now,
      isPaused: () =>
        this.pause.untilMs !== 0 || this.executor.isBusy || this.replication.isReplica,
      serveWaiting: () => this.serveWaiting(),
    });
    this.replica = makeReplicaSide({
      ...this,
      failoverAnswered: (accepted) => this.replication.failover.answered(accepted),
    });
    this.replication.roles = this.replica;
    this.memory = new MemoryFigures(this.memoryParts());
    this.memory.replication = () => this.replication.memory;
    this.cron = new Cron({ now: this.now, hz: () => config.number('hz') });
    this.startTasks();
    this.debug = new DebugTools({ ...this, log });
    addInfoSections(this.info, this);
    config.isLoading = () => this.gates.isLoading;
    applyConfig(config, { ...this, outputLimits: this.output.limits });
    this.acl.loadConfigured();
  }

  private makeAcl(): Acl {
    return new Acl({
      config: this.config,
      commands: this.commands,
      stats: this.stats,
      now: this.now,
      log: (level, message) => this.log(level, message),
      sessions: () => this.clients.all(),
      passwordRequired: (required) => {
        this.gates.passwordRequired = required;
      },
    });
  }

  /** Function libraries as snapshots have them. */
  private savedFunctions(): SavedFunctions {
    const { scripts } = this;
    return {
      sources: () =>
        Array.from(scripts.functions.values(), ({ code }) => Buffer.from(code, 'latin1')),
      load: (code, replace = false) =>
        void scripts.loadLibrary(latin1(code, 0, code.length), replace),
      clear: () => scripts.flushLibraries(),
    };
  }

  private makeEviction(): Eviction {
    return new Eviction({
      keyspace: this.keyspace,
      counted: () => this.memory.countedForEviction(),
      isHeld: () => this.evictionIsHeld(),
      now: this.now,
      wake: () => this.cron.wake(),
      serveWaiting: () => this.serveWaiting(),
      warn: (message) => this.log('warning', message),
      tookMs: (ms) => this.latency.add('eviction-cycle', ms),
    });
  }

  /** Whether data must stay as it is; a replica's is its master's matter. */
  private evictionIsHeld(): boolean {
    if (this.gates.isLoading || this.pause.untilMs !== 0 || this.executor.isBusy) return true;
    return this.replication.isReplica && this.config.bool('replica-ignore-maxmemory');
  }

  /** Serves the clients that wait for what has changed. */
  private serveWaiting(): void {
    if (this.keyspace.changes.waiters.hasChanged) this.blocking.serve();
  }

  private makeExecutor(hooks: ServerHooks): Executor {
    return new Executor({
      table: this.commands,
      keyspace: this.keyspace,
      server: this,
      reply: this.reply,
      output: this.output,
      gates: this.gates,
      pause: this.pause,
      tracking: this.tracking,
      monitors: this.monitors,
      stats: this.stats,
      watch: this.slowCalls,
      sizes: this.slowCalls.sizes,
      stream: this.replication.identity,
      hooks: {
        now: this.now,
        crossProtocol: (session) => this.crossProtocol(session),
        handlerFailed: (command, error) => this.reportBug(command, error),
        dataDamaged: (command, error) => {
          this.reportBug(command, error);
          this.reportCrash(error, command);
          this.lifecycle.dieDamaged();
        },
        resume: (session) => this.pipeline.resumeLater(session),
        unreportedWrite: hooks.unreportedWrite,
      },
    });
  }

  private makeStallWatch(): StallWatch {
    return new StallWatch({
      now: monotonicMs,
      hz: () => this.config.number('hz'),
      periodMs: () => this.config.number('watchdog-period'),
      takeLongest: () => this.slowCalls.takeLongest(),
      collectorMs: () => this.runtime.pauses.totalMs,
      latency: this.latency,
      log: (level, message) => this.log(level, message),
    });
  }

  /** Carries out `rename-command`. Throws ConfigError. */
  private renameCommands(): void {
    for (const line of this.config.renamedCommands) {
      const [from = '', to = ''] = line.words;
      const reason = this.commands.rename(from, to);
      if (reason !== undefined) throw new ConfigError(reason, line);
    }
  }

  /** What the cron does. */
  private startTasks(): void {
    const { clients, cron, keyspace, memory, stats, upkeep } = this;
    cron.everyTick(() => this.stalls.tick());
    cron.everyTick((nowMs) => this.runtime.sample(nowMs));
    cron.everyTick((nowMs) => stats.sample(nowMs));
    cron.everyTick((nowMs) => clients.check(nowMs));
    cron.everyTick((nowMs) => this.persistence.tick(nowMs));
    cron.everyTick(() => this.replica.tick());
    cron.everyTick((nowMs) => this.replication.replicas.tick(nowMs));
    cron.everyTick(() => this.lifecycle.tick());
    if (this.clock.isInjected) {
      cron.everyTick(() => this.blocking.checkTimers());
      cron.everyTick(() => this.pause.check());
    }
    cron.everyTick(() => heapGuard.renew());
    heapGuard.tell(this.heapLine);
    cron.everyTick(() => memory.sample());
    cron.everyTick(() => upkeep.rehash());
    this.reply.onDropped = (buffer) => keyspace.arena.dropped(buffer);
    this.reply.holdBytes = HELD_REPLY_BYTES;
    cron.everyTick(() => this.reply.settle());
    cron.everyTick(() => keyspace.giveBack());
    const outside = new OutsideMemory({ ...realOutside, overhead: () => memory.overhead() });
    cron.everyTick(() => outside.look());
    cron.everyTick(() => this.tracking.limit());
    cron.everyTick(() => this.tracking.giveBack());
    cron.inSlices((until) => {
      const startedMs = monotonicMs();
      const isMore = upkeep.expireSlice(until);
      this.latency.add('expire-cycle', monotonicMs() - startedMs);
      return isMore;
    });
    cron.inSlices((until) => this.eviction.slice(until));
    cron.inSlices((until) => upkeep.freeSlice(until));
    cron.inSlices((until) => this.defrag.slice(until));
  }

  /** Takes no more of the heap, and for one reply, than half of what the machine has. */
  fitMemory(machineBytes: number): void {
    heapGuard.ceiling = machineBytes / 2;
    this.reply.limit = Math.min(this.reply.limit, machineBytes / 2);
  }

  log(level: LogLevel, message: string): void {
    this.logger.write(level, message);
  }

  get slowLog(): SlowLog {
    return this.slowCalls.slowLog;
  }

  get hotKeys(): HotKeys {
    return this.slowCalls.hotKeys;
  }

  get largeCalls(): CallSizes {
    return this.slowCalls.sizes;
  }

  get latency(): LatencyMonitor {
    return this.slowCalls.latency;
  }

  private memoryParts(): MemoryParts {
    const { clients, keyspace, pubsub, reply, scripts, tracking } = this;
    return {
      data: () => keyspace.usedBytes,
      sharedBuffers: () => reply.buf.length,
      normalClients: () => clients.memory.normalBytes,
      replicas: () => clients.memory.replicaBytes,
      pubsub: () => pubsub.memoryBytes,
      tracking: () => tracking.memoryBytes,
      scripts: () => scripts.cache.bytes + scripts.functions.bytes,
      scriptHeaps: () => scripts.evalHeapBytes + scripts.functionHeapBytes,
      functions: () => scripts.functions.bytes + scripts.functionHeapBytes,
      aofBuffer: () => this.persistence.aof?.bufferBytes ?? 0,
    };
  }

  private refuseProtected(session: Session, { spec }: Command): CommandError | undefined {
    const isAboutModules = spec.enabledBy === 'enable-module-command';
    const allowed = isAboutModules
      ? this.config.string('enable-module-command')
      : this.config.string('enable-debug-command');
    if (allowed === 'yes') return undefined;
    if (allowed === 'local' && session.isLocal) return undefined;
    return isAboutModules ? moduleRefused : debugRefused;
  }

  private crossProtocol(session: Session): void {
    this.log(
      'warning',
      'Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: ' +
        'commands. Connection aborted.',
    );
    session.kill();
  }

  private reportBug(command: string, error: unknown): void {
    this.log('warning', `Internal error in '${command}': ${placeOf(error).join('\n')}`);
  }

  /** The log gets all that helps to find a bug: the process is about to end. */
  reportCrash(error: unknown, command = ''): void {
    if (!this.config.bool('crash-log-enabled')) return;
    for (const line of crashReport(command, error, this.info.text(['all']))) {
      this.log('warning', line);
    }
  }

  // ---- lifecycle ---------------------------------------------------------------------------

  /** Opens the configured sockets. Throws ListenError; nothing stays open then. */
  async listen(): Promise<void> {
    // Before the first socket is open: nobody may see, or write to, data that is not loaded yet.
    this.gates.isLoading = true;
    await this.endpoints.open();
    this.introduce();
    await this.openMetrics();
    this.startWork();
    try {
      await this.loader.start();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.gates.isLoading = false;
    this.endpoints.announce();
    this.replica.begin();
  }

  /**
   * As `listen`, without waiting: for a server that loads nothing and has a port only. Throws
   * ListenError.
   */
  listenNow(): void {
    this.endpoints.openNow();
    this.introduce();
    this.startWork();
    // Nothing is loaded: it is done when this returns.
    void this.loader.start();
    this.endpoints.announce();
    this.replica.begin();
  }

  /** Says which server runs here, once its sockets are open: programs wait for these lines. */
  private introduce(): void {
    if (this.logger.isSilent) return;
    const { config } = this;
    const port = this.port || config.number('tls-port');
    if (config.bool('always-show-logo') && config.string('log-format') === 'legacy') {
      this.logger.raw(banner({ version: RESPITE_VERSION, port, pid: process.pid }));
    } else this.log('notice', `Running mode=standalone, port=${port}.`);
    this.log('notice', 'Server initialized');
    const idle = withoutEffect(this.config);
    if (idle.length === 0) return;
    this.log('warning', `Warning: set, but without effect in this version: ${idle.join(', ')}`);
  }

  private startWork(): void {
    this.runtime.start();
    this.cron.start();
    this.replica.start();
    this.oomScore.follow();
  }

  /** Serves metrics and probes, from before the data is loaded, where a port is configured. */
  private async openMetrics(): Promise<void> {
    try {
      await this.metrics.open();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Port of the first TCP socket; 0 when there is none. */
  get port(): number {
    return this.endpoints.port;
  }

  /** Has port 0 mean "any free port" (embedding) rather than "no TCP" (redis.conf). */
  set anyPort(wanted: boolean) {
    this.endpoints.anyPort = wanted;
  }

  /** Ends everything: no socket, timer or other handle stays open. Resolves when all are gone. */
  close(): Promise<void> {
    this.closePromise ??= this.closeNow();
    return this.closePromise;
  }

  /**
   * Replaces all data and function libraries by what a file holds: an RDB file, an append-only file
   * or a manifest of such, JSON lines. Clients are told that the server is loading. Rejects with
   * what is wrong; then the data is as before where the file is an RDB file, else there is none.
   */
  async load(file: string): Promise<void> {
    if (this.gates.isLoading) throw new Error('the server is loading already');
    this.gates.isLoading = true;
    try {
      await this.loader.replace(file);
    } finally {
      this.gates.isLoading = false;
      this.blocking.serve();
    }
    await this.dataReplaced();
  }

  /**
   * The data is another one, and no effect has told of it: replicas and the append-only file begin
   * anew. Resolves when the file has.
   */
  dataReplaced(): Promise<void> {
    this.replication.dataReplaced();
    return this.persistence.renewAppendOnly();
  }

  /** Throws all data away; memory is given back in slices. O(databases). */
  emptyData(): void {
    const { keyspace } = this;
    const { journal } = keyspace.changes;
    keyspace.flush(keyspace.dbs.keys());
    if (journal.isRead) journal.line(0, 'FLUSHALL');
    journal.endUnit();
    this.blocking.serve();
  }

  /** Throws all data away, as FLUSHALL does, memory at once (tests, between cases). */
  resetData(): void {
    this.emptyData();
    while (this.keyspace.freeGarbage(100_000));
  }

  /** The clock was moved: what is due by then happens now. O(what is due + blocked clients). */
  private timeMoved(): void {
    const { blocking, cron, keyspace, pause, upkeep } = this;
    const nowMs = this.now();
    pause.check();
    // What ends in this very millisecond, too: who moves on by a time to live waits for its end.
    while (upkeep.expireSlice(Number.POSITIVE_INFINITY, nowMs + 1));
    keyspace.nowMs = nowMs;
    blocking.checkTimers();
    cron.tick();
  }

  private async closeNow(): Promise<void> {
    this.cron.stop();
    this.replica.close();
    this.migrations.close();
    this.runtime.stop();
    this.metrics.close();
    this.endpoints.close();
    await this.persistence.close();
    await this.clients.endAll();
    this.output.runSafeTasks();
    this.changeStreams.close();
    this.scripts.close();
    heapGuard.silence(this.heapLine);
  }
}

const debugRefused = notEnabled('DEBUG', 'enable-debug-command');
const moduleRefused = notEnabled('MODULE', 'enable-module-command');

function notEnabled(command: string, directive: string): CommandError {
  return new CommandError(
    `ERR ${command} command not allowed. If the ${directive} option is set to "local", ` +
      'you can run it from a local connection, otherwise you need to set this option in the ' +
      'configuration file, and then restart the server.',
  );
}
