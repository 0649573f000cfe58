/**
 * How much memory the server uses, for what, has used at most and had when it began. Every part is
 * a running sum of its owner's: to ask costs a few additions, however many clients there are.
 */
import { totalmem } from 'node:os';

/** Where the parts come from, in bytes. Everything that clients can make grow is among them. */
export interface MemoryParts {
  /** Keys and values with their tables, and what is freed but not yet given back to the arena. */
  data(): number;
  /** Buffers that all clients share. */
  sharedBuffers(): number;
  /** Clients that are no replicas: their state, what they sent, what they are owed. */
  normalClients(): number;
  replicas(): number;
  /** Channels and patterns, and who listens to them. */
  pubsub(): number;
  /** What clients have in their caches. */
  tracking(): number;
  /** Sources of scripts and functions. */
  scripts(): number;
  /** Heaps of the Lua engines. */
  scriptHeaps(): number;
  /** Of both, what belongs to functions. */
  functions(): number;
  /** Effects that are not written to the append-only file yet. */
  aofBuffer(): number;
}

/** What is kept for replicas, in bytes. */
export interface ReplicationMemory {
  /** The backlog that `repl-backlog-size` bounds. */
  readonly backlog: number;
  /** All that is kept: the backlog, and what slow replicas have not got yet. */
  readonly buffers: number;
  /** Of that, what is there for replicas alone; 0 once the last of them has gone. */
  readonly owed: number;
  /** What the backlog may take. */
  readonly backlogSize: number;
}

const NO_REPLICATION: ReplicationMemory = { backlog: 0, buffers: 0, owed: 0, backlogSize: 0 };

export class MemoryFigures {
  readonly parts: MemoryParts;
  /** Set by whoever keeps a backlog. */
  replication: () => ReplicationMemory = () => NO_REPLICATION;
  /** The most that was in use when the cron looked. */
  peak = 0;
  /** Bytes that were in use before there was any data. */
  readonly startup: number;
  /** Bytes of the machine. */
  readonly system = totalmem();
  /** Resident bytes of the process that are not data: the runtime, our code. */
  private readonly runtimeBytes: number;

  /** Call it when the server is complete and has no data yet. */
  constructor(parts: MemoryParts) {
    this.parts = parts;
    this.startup = this.used();
    this.runtimeBytes = Math.max(0, process.memoryUsage.rss() - this.startup);
  }

  /** Bytes in use, `used_memory`. O(1). */
  used(): number {
    return this.parts.data() + this.overhead();
  }

  /** Bytes in use that are not data. O(1). */
  overhead(): number {
    const { parts } = this;
    const clients = parts.normalClients() + parts.replicas() + parts.pubsub() + parts.tracking();
    const scripts = parts.scripts() + parts.scriptHeaps();
    const buffers = parts.sharedBuffers() + parts.aofBuffer() + this.replication().buffers;
    return clients + scripts + buffers;
  }

  /**
   * Bytes that no eviction can help against and that must cause none: what waits for the disk, and
   * what slow replicas have not got, for evicting keys would make it more. As redis-server 7.0.15.
   */
  notCounted(): number {
    const { buffers, backlogSize } = this.replication();
    return this.parts.aofBuffer() + Math.max(0, buffers - backlogSize);
  }

  /** What replicas cost: their connections, and what they are owed. O(1). */
  replicas(): number {
    return this.parts.replicas() + this.replication().owed;
  }

  /** Bytes that `maxmemory` is about: in use, less what is not counted. O(1). */
  countedForEviction(): number {
    return this.used() - this.notCounted();
  }

  /** Bytes of function libraries, engine included. */
  functionBytes(): number {
    return this.parts.functions();
  }

  /** Looks whether there is a new peak. */
  sample(): void {
    this.peak = Math.max(this.peak, this.used());
  }

  /**
   * What would be resident if nothing were wasted: the runtime as it was at the start, and what is
   * in use. A runtime of 40 MB is no fragmentation of 1 MB of data.
   */
  get accounted(): number {
    return this.runtimeBytes + this.used();
  }
}
