/** A server inside a program: everything of `RespiteServer`, each part delegated to its owner. */
import type { Duplex } from 'node:stream';
import type { Change, ChangesOptions } from '../server/change.ts';
import { resetClients, resetConfig, resetRole, resetScripts } from '../server/reset.ts';
import type { Server } from '../server/server.ts';
import type {
  Counters,
  KeyEventInfo,
  KeyEventsOptions,
  RespiteServer,
  ServerClock,
} from './api.ts';
import { refuseUnknown } from './check.ts';
import { clientInfo } from './client-info.ts';
import type { ClientInfo } from './client-types.ts';
import { MovableClock } from './clock.ts';
import type { Effect, Injection, Match, SlowReplies } from './fault-types.ts';
import { KeyEvents } from './key-events.ts';
import { InProcessClient } from './local-client.ts';
import { LocalSocket } from './local-socket.ts';
import type { CommandArgument, LocalClientOptions, ReplyOf } from './local-types.ts';
import type { Recorder, RecorderOptions, ServerEvents } from './looking-types.ts';
import { CommandRecorder } from './recorder.ts';
import { RequestWatch } from './request-watch.ts';
import { writeSeed } from './seed.ts';
import { Events } from './server-events.ts';
import { SlowNetwork } from './slow-replies.ts';
import { ServerSnapshot } from './state.ts';
import type { Json, Kept, ResetOptions, Seed, StateSnapshot } from './state-types.ts';
import { toJson } from './to-json.ts';
import { Urls } from './urls.ts';

/** What `reset` leaves when it is told to. */
const keepable = [
  ...['data', 'config', 'users', 'scripts', 'statistics', 'clients', 'clock', 'faults'],
] as const satisfies readonly Kept[];

function closedError(): Error {
  return new Error('the server is closed');
}

export class EmbeddedServer extends Urls implements RespiteServer {
  readonly host: string;
  readonly clock: ServerClock;
  private readonly server: Server;
  private readonly watch: RequestWatch;
  private readonly events: Events;
  private readonly keyStreams: KeyEvents;
  private readonly slow: SlowNetwork;
  private readonly initial: readonly string[];
  private readonly initialUsers: readonly string[];
  private ownClient: InProcessClient | undefined;
  private closing: Promise<void> | undefined;

  /** Takes over a server that listens. */
  constructor(server: Server) {
    super();
    this.server = server;
    this.host = server.endpoints.host;
    this.clock = new MovableClock(server.clock);
    this.watch = new RequestWatch(server);
    this.events = new Events(server, this.watch.recording);
    this.keyStreams = new KeyEvents(server.notifications);
    this.slow = new SlowNetwork(server);
    this.initial = server.config.texts();
    this.initialUsers = server.acl.describeUsers();
  }

  // ---- connecting --------------------------------------------------------------------------

  get port(): number {
    return this.server.config.number('port');
  }

  get password(): string | undefined {
    const password = this.server.config.string('requirepass');
    return password === '' ? undefined : Buffer.from(password, 'latin1').toString();
  }

  // ---- without a socket --------------------------------------------------------------------

  exec<Name extends string>(
    name: Name,
    ...args: readonly CommandArgument[]
  ): Promise<ReplyOf<Name>> {
    if (this.closing !== undefined) return Promise.reject(closedError());
    this.ownClient ??= new InProcessClient(this.server);
    return this.ownClient.exec(name, ...args);
  }

  client(options: LocalClientOptions = {}): InProcessClient {
    refuseUnknown('client()', options, ['buffers']);
    if (this.closing !== undefined) throw closedError();
    return new InProcessClient(this.server, options);
  }

  connect(): Duplex {
    if (this.closing !== undefined) throw closedError();
    return new LocalSocket(this.server);
  }

  // ---- state -------------------------------------------------------------------------------

  async reset(options: ResetOptions = {}): Promise<void> {
    refuseUnknown('reset()', options, ['keep']);
    const { server } = this;
    const kept = new Set<string>(options.keep ?? []);
    refuseUnknown('keep', Object.fromEntries(kept.entries()), keepable);
    // A replica would go on to get its master's data.
    if (!kept.has('config')) resetRole(server, this.initial);
    // The clock first: what it moves belongs to what is thrown away.
    if (!kept.has('clock')) this.clock.reset();
    if (!kept.has('faults')) this.endFaults();
    if (!kept.has('clients')) resetClients(server);
    if (!kept.has('data')) server.emptyData();
    if (!kept.has('scripts')) resetScripts(server);
    if (!kept.has('config')) resetConfig(server, this.initial);
    if (!kept.has('users')) server.acl.restoreUsers(this.initialUsers);
    if (!kept.has('statistics')) server.info.reset();
    this.ownClient?.close();
    this.ownClient = undefined;
  }

  private endFaults(): void {
    this.watch.faults.clear();
    this.slow.end();
    void this.refuse(false);
  }

  async seed(data: Seed): Promise<void> {
    const client = this.client();
    try {
      await writeSeed(data, (name, ...args) => client.exec(name, ...args));
    } finally {
      client.close();
    }
  }

  snapshot(): StateSnapshot {
    return new ServerSnapshot(this.server);
  }

  restore(snapshot: StateSnapshot): void {
    if (!(snapshot instanceof ServerSnapshot) || snapshot.server !== this.server) {
      throw new TypeError(
        'restore takes a snapshot of this very server: see createServer({ from })',
      );
    }
    snapshot.restore();
  }

  toJSON(): Json {
    return toJson(this.server.keyspace, this.clock.now());
  }

  async save(file?: string): Promise<void> {
    if (file === undefined) await this.server.persistence.saveSoon();
    else if (file.endsWith('.json')) {
      await files().writeFile(file, `${JSON.stringify(this.toJSON(), null, 2)}\n`);
    } else await this.server.persistence.saveTo(file);
  }

  async load(file: string): Promise<void> {
    const data = file.endsWith('.json') ? await readJson(file) : undefined;
    if (data === undefined) {
      await this.server.load(file);
      return;
    }
    this.server.emptyData();
    await this.seed(data);
  }

  // ---- faults ------------------------------------------------------------------------------

  inject(match: Match, effect: Effect): Injection {
    return this.watch.faults.inject(match, effect);
  }

  async refuse(refused: boolean): Promise<void> {
    this.server.endpoints.setRefusing(refused);
  }

  dropConnections(filter: (client: ClientInfo) => boolean = () => true): number {
    let dropped = 0;
    for (const session of [...this.server.clients.all()]) {
      // By its address: Deno's sockets have no descriptor.
      if (session.connection.remotePort === 0 && session.connection.unixPath === undefined)
        continue;
      if (!filter(clientInfo(session))) continue;
      session.kill();
      dropped++;
    }
    return dropped;
  }

  pause(ms: number): void {
    this.server.pause.begin(this.clock.now() + ms, 'all');
  }

  slowReplies(options: SlowReplies = {}): Disposable {
    return this.slow.begin(options);
  }

  // ---- looking -----------------------------------------------------------------------------

  get clients(): readonly ClientInfo[] {
    return Array.from(this.server.clients.all(), clientInfo);
  }

  get counters(): Counters {
    const { commands, keyspace, stats } = this.server;
    const byCommand: Record<string, number> = {};
    for (const command of commands) {
      for (const each of [command, ...(command.subcommands ?? [])]) {
        if (each.calls > 0) byCommand[each.fullName] = each.calls;
      }
    }
    return {
      commands: stats.commandsProcessed,
      connections: stats.connectionsReceived,
      errors: stats.errorReplies,
      hits: keyspace.hits,
      misses: keyspace.misses,
      expired: keyspace.expiredKeys,
      byCommand,
    };
  }

  record(options?: RecorderOptions): Recorder {
    return new CommandRecorder(this.watch.recording, options);
  }

  on<Name extends keyof ServerEvents>(name: Name, listener: ServerEvents[Name]): this {
    this.events.on(name, listener);
    return this;
  }

  once<Name extends keyof ServerEvents>(name: Name, listener: ServerEvents[Name]): this {
    this.events.once(name, listener);
    return this;
  }

  off<Name extends keyof ServerEvents>(name: Name, listener: ServerEvents[Name]): this {
    this.events.off(name, listener);
    return this;
  }

  keyEvents(
    options?: KeyEventsOptions,
  ): AsyncIterableIterator<KeyEventInfo, undefined> & AsyncDisposable {
    return this.keyStreams.open(options);
  }

  changes(options?: ChangesOptions): AsyncIterableIterator<Change, undefined> & AsyncDisposable {
    refuseUnknown('changes()', options ?? {}, ['bufferBytes']);
    return this.server.changeStreams.open(options);
  }

  // ---- the end -----------------------------------------------------------------------------

  close(): Promise<void> {
    this.closing ??= this.closeNow();
    return this.closing;
  }

  private async closeNow(): Promise<void> {
    this.slow.end();
    await this.server.close();
    this.keyStreams.close();
    this.events.closed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Node's promises of files, loaded when one is read or written: half a megabyte. */
function files(): typeof import('node:fs/promises') {
  return process.getBuiltinModule('node:fs/promises');
}

/** What `toJSON` has written; undefined for the JSON lines of `respite convert`. */
async function readJson(file: string): Promise<Seed | undefined> {
  const text = await files().readFile(file, 'utf8');
  return /^\s*\{"format":/.test(text) ? undefined : (JSON.parse(text) as Seed);
}
