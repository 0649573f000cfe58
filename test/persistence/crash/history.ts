/**
 * Histories over a simulated disk: a server runs commands and rewrites its files, and at every call
 * of the disk all that a power cut may leave is loaded and held against what must be there: the
 * data as it was after some command, none of those missing that had to last.
 */
import { LoadError } from '../../../src/server/loading.ts';
import { BareServer, Inspector } from '../../harness/bare-server.ts';
import { type DiskFault, SimulatedDisk } from '../../harness/simulated-disk.ts';
import { randomFrom } from '../../util/float-texts.ts';

export interface HistoryOptions {
  readonly seed: number;
  readonly policy: 'always' | 'everysec' | 'no';
  readonly steps: number;
  /** States looked at for each call of the disk. */
  readonly statesPerCall: number;
  readonly directives?: Readonly<Record<string, string>>;
  /** How probable it is that a step begins a rewrite. */
  readonly rewrites?: number;
  /** A call of the disk that fails; it is whole again when all steps are done. */
  readonly fault?: DiskFault;
}

export interface Figures {
  calls: number;
  states: number;
}

/** Commands of one step: each changes the data to something it never was. */
function commandsOf(i: number, random: () => number): string[] {
  switch (Math.floor(random() * 6)) {
    case 0:
      return [`SET s${i % 3} ${i}`];
    case 1:
      return [`RPUSH l ${i}`];
    case 2:
      return [
        'MULTI',
        'INCR c',
        'SELECT 1',
        `HSET h f${i} ${i}`,
        'SELECT 0',
        `RPUSH l ${i}`,
        'EXEC',
      ];
    case 3:
      return ['SELECT 2', `SADD t ${i}`, 'SELECT 0'];
    case 4:
      return ['MULTI', 'LPOP l', `ZADD z ${i} m${i}`, 'EXEC'];
    default:
      return [`XADD x ${i}-1 f ${i}`, 'INCR c'];
  }
}

/** Runs a history and looks at all states. Throws on one that breaks the promise. */
export async function runHistory(options: HistoryOptions): Promise<Figures> {
  return new History(options).run();
}

class History {
  private readonly options: HistoryOptions;
  private readonly random: () => number;
  private readonly disk = new SimulatedDisk();
  private readonly bare: BareServer;
  private readonly figures: Figures = { calls: 0, states: 0 };
  /** The last step after which the data was so. */
  private readonly stepOf = new Map<string, number>();
  /** Where the effects were after each step. */
  private readonly ends: number[] = [0];
  /** The step that must not be lost any more. */
  private lasting = 0;
  private broken: unknown = undefined;

  constructor(options: HistoryOptions) {
    this.options = options;
    const { seed, policy, fault } = options;
    this.random = randomFrom(seed);
    const directives = { appendonly: 'yes', appendfsync: policy, ...options.directives };
    this.bare = new BareServer(this.disk, directives);
    this.disk.holdsSyncs = true;
    this.disk.fault = fault;
    // The server would take what is thrown here for a failure of the disk.
    this.disk.onCall = (call) => {
      try {
        this.look(call);
      } catch (error) {
        this.broken ??= error;
      }
    };
  }

  async run(): Promise<Figures> {
    const { bare, disk, options } = this;
    this.stepOf.set(bare.digest(), 0);
    try {
      await bare.start();
    } catch (error) {
      if (!(error instanceof LoadError) || options.fault === undefined) throw error;
      if (this.broken !== undefined) throw this.broken;
      this.look('start failed');
      return this.figures;
    }
    for (let i = 1; i <= options.steps && bare.exitCode === undefined; i++) await this.step(i);
    if (this.broken !== undefined) throw this.broken;
    this.look('end');
    if (bare.exitCode !== undefined) {
      if (options.fault === undefined || options.policy !== 'always') throw new Error('it ended');
      return this.figures;
    }
    disk.heal();
    await this.recover();
    if (this.broken !== undefined) throw this.broken;
    return this.figures;
  }

  private async step(i: number): Promise<void> {
    const { bare, disk, random, options } = this;
    this.note(i);
    const what = random();
    if (what < 0.6) bare.aof.prepare();
    if (what < 0.1) bare.tick(1100);
    if (what > 0.92 || random() < 0.3) disk.finishSyncs();
    if (options.policy === 'everysec' && what < 0.08) this.sync();
    if (bare.snapshots.isUnderWay) {
      if (random() < 0.3) await bare.snapshots.finish(random() < 0.2 ? 'made to fail' : undefined);
    } else if (random() < (options.rewrites ?? 0.12)) {
      bare.nowMs += 4_000_000;
      try {
        if (!bare.server.persistence.rewriteScheduled) bare.server.persistence.bgrewriteaof(false);
      } catch (error) {
        if (options.fault === undefined) throw error;
      }
    }
  }

  /** Runs the commands of a step and notes what the data is after each. */
  private note(i: number): void {
    const { bare, stepOf } = this;
    for (const line of commandsOf(i, this.random)) {
      bare.run(line);
      stepOf.set(bare.digest(), i);
    }
    this.ends.push(bare.aof.written);
  }

  /** More than a second passes in which the disk does its work. */
  private sync(): void {
    const { aof } = this.bare;
    this.disk.finishSyncs();
    this.bare.tick(1100);
    this.disk.finishSyncs();
    if (aof.isSyncing || aof.lastError !== undefined || aof.bufferBytes > 0) return;
    if (this.bare.server.persistence.aof?.isTemporary === false)
      this.lasting = this.ends.length - 1;
  }

  /** The disk is whole: writes are taken again before long, and then nothing is missing. */
  private async recover(): Promise<void> {
    const { bare, disk, ends } = this;
    const { gates } = bare.server;
    const isWhole = () => !bare.aof.isTemporary && gates.diskRefusal === undefined;
    for (let i = 0; i < 100 && (i < 3 || !isWhole() || bare.snapshots.isUnderWay); i++) {
      bare.tick(61_000);
      disk.finishSyncs();
      // A sync that was under way when the disk was healed has failed.
      if (bare.exitCode !== undefined && this.options.policy === 'always') return;
      await bare.snapshots.finish();
    }
    if (!isWhole()) throw new Error(`it does not recover: ${bare.logged.join('\n')}`);
    this.note(ends.length);
    bare.aof.prepare();
    disk.finishSyncs();
    bare.tick(2000);
    disk.finishSyncs();
    if (this.options.policy !== 'no') this.lasting = ends.length - 1;
    this.look('recovered');
    if (disk.openFiles !== 1) throw new Error(`${disk.openFiles} files are open`);
  }

  private look(call: string): void {
    const { bare, disk, ends, figures, options } = this;
    const { policy, seed } = options;
    figures.calls++;
    const aof = bare.server.persistence.aof;
    if (policy === 'always' && aof !== undefined && !aof.isTemporary) {
      while (this.lasting + 1 < ends.length && ends[this.lasting + 1]! <= aof.safe) this.lasting++;
    }
    for (const state of disk.crashStates(options.statesPerCall, this.random)) {
      figures.states++;
      const about = `seed ${seed}, ${policy}, fault ${JSON.stringify(options.fault)}, \
call ${disk.calls.length} (${call}), step ${ends.length - 1}`;
      const step = this.stepOf.get(digestOf(state, about));
      if (step === undefined) throw new Error(`${about}: never was so`);
      if (step < this.lasting)
        throw new Error(`${about}: ${this.lasting} is lost, there is ${step}`);
    }
  }

  /** Calls of the disk, for a history without a fault. */
  get calls(): readonly string[] {
    return this.disk.calls;
  }
}

/** Names of the calls of the disk that a history makes. */
export async function callsOf(options: HistoryOptions): Promise<readonly string[]> {
  const history = new History({ ...options, statesPerCall: 0 });
  await history.run();
  return history.calls;
}

/** One for all, since a server costs more than a hundred loads. */
let inspector: Inspector | undefined;

function digestOf(state: SimulatedDisk, about: string): string {
  inspector ??= new Inspector();
  try {
    return inspector.aofDigest(state);
  } catch (error) {
    const files = state.list('/appendonlydir').map((name) => {
      const bytes = state.read(`/appendonlydir/${name}`);
      return `${name} (${bytes.length}): ${bytes.toString('latin1').slice(-300)}`;
    });
    const why = (error as Error).message;
    throw new Error(`${about}: cannot be loaded: ${why}\n${inspector.log}\n${files.join('\n')}`);
  }
}
