/**
 * Server A, its journal, and a copy that gets nothing but A's effects. What the copy is, a second
 * server or redis-server, and how a key is compared, is the subclass's matter.
 */
import type { Server } from '../../src/server/server.ts';
import { Connection } from '../harness/connection.ts';
import { allStates, keyState } from '../harness/data-state.ts';
import { JournalRecorder, showUnit, type Unit } from '../harness/effects.ts';
import { atClose, connectTo, startServer } from '../harness/in-process-server.ts';
import { format, type Reply } from '../harness/reply.ts';
import { commandLine } from '../harness/sequence.ts';
import type { EffectStep } from './generator-effects.ts';
import { HOMES } from './generator-words.ts';

const directives = { 'enable-debug-command': 'yes' };
const DAY_MS = 86_400_000;
/** Figures of XINFO STREAM that are each server's own. */
const OWN =
  /"(radix-tree-keys|radix-tree-nodes|iids-duplicates|seen-time|active-time)"\s+\d+\) \(integer\) -?\d+/g;
/** Figures of XINFO GROUPS that a copy of version 7.0 is not told. */
const LATER = /"(entries-read|lag)"\s+\d+\) \S.*/g;

export abstract class EffectProof {
  protected readonly source: Server;
  protected readonly clock: Clock;
  private readonly client: Connection;
  private readonly link: Connection;
  private readonly recorder: JournalRecorder;
  /** Effects that are not handed on: to see that the proof would notice. */
  isLost: (unit: string) => boolean = () => false;

  constructor(clock: Clock, source: Server, client: Connection, link: Connection) {
    this.clock = clock;
    this.source = source;
    this.client = client;
    this.link = link;
    this.recorder = new JournalRecorder(source);
  }

  /** What is different of a key, as far as a single one shows; undefined when nothing is. */
  protected abstract compareKey(key: string): Promise<string | undefined>;
  /** What is different at the end of a sequence that has named these keys. */
  protected abstract compareAll(named: ReadonlySet<string>): Promise<string | undefined>;
  /** What a server says of a stream that must be equal. */
  protected abstract describeStream(connection: Connection, key: string): Promise<string>;

  /** Runs a sequence on empty data; what went wrong, or undefined. */
  async run(steps: readonly EffectStep[]): Promise<string | undefined> {
    this.clock.restart();
    await this.client.call('FLUSHALL');
    let failure = await this.apply(this.recorder.taken());
    const named = new Set<string>();
    for (const step of steps) {
      if (failure !== undefined) return failure;
      this.clock.nowMs += step.advanceMs;
      for (const word of step.commands.flat()) named.add(word);
      failure = await this.step(step);
    }
    return failure ?? this.compareAll(named);
  }

  private async step({ commands }: EffectStep): Promise<string | undefined> {
    for (const argv of commands) this.client.send(...argv.map((arg) => Buffer.from(arg, 'latin1')));
    for (const _ of commands) await this.client.receive();
    const named = [...new Set(commands.flat())];
    const streams = named.filter((name) => (HOMES.stream as readonly string[]).includes(name));
    const described: string[] = [];
    for (const key of streams) described.push(await this.describeStream(this.client, key));
    const units = this.recorder.taken();
    const refused = await this.apply(units);
    const effects = units.map(showUnit).join('; ') || '(none)';
    const told = `${commands.map(commandLine).join(' | ')}\n  effects: ${effects}\n`;
    if (refused !== undefined) return `${told}  refused: ${refused}`;
    for (const key of named) {
      const difference = await this.compareKey(key);
      if (difference !== undefined) return `${told}  key ${commandLine([key])}: ${difference}`;
    }
    for (const [i, key] of streams.entries()) {
      const theirs = await this.describeStream(this.link, key);
      if (described[i] !== theirs) {
        return `${told}  stream ${key}\n  A: ${described[i]}\n  B: ${theirs}`;
      }
    }
    return undefined;
  }

  /** Applies units as a replica does; the first error that one of its commands is answered. */
  private async apply(units: readonly Unit[]): Promise<string | undefined> {
    for (const unit of units) {
      if (this.isLost(showUnit(unit))) continue;
      const sent: (readonly (string | Buffer)[])[] = [];
      if (unit.isAtomic) sent.push(['MULTI']);
      let selected = 0;
      for (const { dbIndex, argv } of unit.lines) {
        if (dbIndex !== selected) sent.push(['SELECT', String(dbIndex)]);
        selected = dbIndex;
        sent.push(acceptable(argv));
      }
      if (selected !== 0) sent.push(['SELECT', '0']);
      if (unit.isAtomic) sent.push(['EXEC']);
      for (const argv of sent) this.link.send(...argv);
      let error: string | undefined;
      for (const _ of sent) error ??= errorIn((await this.link.receive()).reply);
      if (error !== undefined) return `${showUnit(unit)}: ${error}`;
    }
    return undefined;
  }
}

/** The copy is a server of ours: its clock is a day ahead, its random numbers are others. */
export class ServerProof extends EffectProof {
  private readonly copy: Server;

  private constructor(clock: Clock, servers: [Server, Server], clients: [Connection, Connection]) {
    super(clock, servers[0], ...clients);
    this.copy = servers[1];
  }

  static async open(): Promise<ServerProof> {
    const clock = new Clock(1_700_000_000_000);
    const source = await startSource(clock);
    const copy = await startServer(directives, {
      now: () => clock.nowMs + DAY_MS,
      random: () => (clock.random() * 7919) % 1,
    });
    // As on a replica: only A says when a key goes.
    copy.keyspace.expiryEnabled = false;
    const client = await connectTo(source);
    await client.text('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    return new ServerProof(clock, [source, copy], [client, await connectTo(copy)]);
  }

  protected async compareKey(key: string): Promise<string | undefined> {
    const bytes = Buffer.from(key, 'latin1');
    const [a, b] = [keyState(this.source, 0, bytes), keyState(this.copy, 0, bytes)];
    return a === b ? undefined : `\n  A: ${a}\n  B: ${b}`;
  }

  protected async compareAll(): Promise<string | undefined> {
    const [a, b] = [allStates(this.source), allStates(this.copy)];
    const lost = a.filter((state) => !b.includes(state));
    const extra = b.filter((state) => !a.includes(state));
    if (lost.length + extra.length === 0) return undefined;
    return `at the end\n  only A: ${lost.join('\n  ')}\n  only B: ${extra.join('\n  ')}`;
  }

  protected async describeStream(connection: Connection, key: string): Promise<string> {
    const reply = await connection.call('XINFO', 'STREAM', key, 'FULL', 'COUNT', '0');
    return format(reply).replaceAll(OWN, '');
  }
}

/** The copy is redis-server: what A sets in the future is there, too, as A is a day ahead. */
export class OracleProof extends EffectProof {
  private readonly oracle: Connection;

  private constructor(clock: Clock, source: Server, client: Connection, oracle: Connection) {
    super(clock, source, client, oracle);
    this.oracle = oracle;
  }

  static async open(port: number): Promise<OracleProof> {
    const clock = new Clock(Date.now() + DAY_MS);
    const source = await startSource(clock);
    const client = await connectTo(source);
    await client.text('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    const oracle = await Connection.open(port);
    atClose(() => oracle.close());
    return new OracleProof(clock, source, client, oracle);
  }

  protected async compareKey(key: string): Promise<string | undefined> {
    const bytes = Buffer.from(key, 'latin1');
    const [, digest = NO_DIGEST, , until = ''] = keyState(this.source, 0, bytes).split(' ');
    // Over, but nobody has looked yet: redis-server goes by another clock.
    if (until !== '' && Number(until) <= this.clock.nowMs) return undefined;
    this.oracle.send('DEBUG', 'DIGEST-VALUE', bytes);
    this.oracle.send('PEXPIRETIME', bytes);
    const theirs = format((await this.oracle.receive()).reply).replace(/^1\) "?(\w+)"?$/, '$1');
    const end = format((await this.oracle.receive()).reply).replace('(integer) ', '');
    const a = `${digest} ${until}`.trim();
    const b = `${theirs} ${Number(end) > 0 ? end : ''}`.trim();
    return a === b ? undefined : `\n  A:      ${a}\n  oracle: ${b}`;
  }

  protected async compareAll(named: ReadonlySet<string>): Promise<string | undefined> {
    for (const key of named) {
      const difference = await this.compareKey(key);
      if (difference !== undefined) return `at the end, ${commandLine([key])}: ${difference}`;
    }
    return undefined;
  }

  protected async describeStream(connection: Connection, key: string): Promise<string> {
    return format(await connection.call('XINFO', 'GROUPS', key)).replaceAll(LATER, '');
  }
}

const NO_DIGEST = '0'.repeat(40);

/** The clock of a proof, and the chance of A: the same for the same sequence. */
class Clock {
  nowMs: number;
  private seed = 1;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  restart(): void {
    this.seed = 1;
  }

  /** mulberry32 */
  random(): number {
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.seed ^ (this.seed >>> 15), 1 | this.seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
}

function startSource(clock: Clock): Promise<Server> {
  return startServer(directives, { now: () => clock.nowMs, random: () => clock.random() });
}

/**
 * A line as a client may send it: LIMIT goes together with an exact bound only on the link from a
 * master, who has trimmed already.
 */
function acceptable(argv: readonly Buffer[]): readonly Buffer[] {
  const words = argv.map((arg) => arg.toString('latin1').toUpperCase());
  const at = words.indexOf('LIMIT');
  if (!/^X(ADD|TRIM)$/.test(words[0]!) || at < 0 || words[at - 2] !== '=') return argv;
  return argv.filter((_, i) => i !== at && i !== at + 1);
}

function errorIn(reply: Reply): string | undefined {
  if (reply.kind === 'error') return reply.bytes.toString('latin1');
  if (!('items' in reply)) return undefined;
  for (const item of reply.items) {
    const error = errorIn(item);
    if (error !== undefined) return error;
  }
  return undefined;
}
