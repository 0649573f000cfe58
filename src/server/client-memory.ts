/**
 * What all clients together cost, in running sums: a client's part is put right when something of
 * it has changed (`recount`), so nobody walks over thousands of them to know. The largest clients
 * are disconnected where they all cost more than `maxmemory-clients` allows.
 * Source: redis-server 7.0.15 (evictClients), its classes of sizes and its order.
 */
import type { Client, ClientType } from '../session/client.ts';
import { heapGuard } from '../util/heap-guard.ts';

/** Clients below 2^15 bytes are of one class, above 2^33 of another; one for each power between. */
const SMALLEST_LOG = 15;
const LARGEST_LOG = 33;
/** Seconds that the largest buffers are remembered, as redis-server does. */
const RECENT_SECONDS = 8;
/** No limit is lower: a client must be able to say that it should be higher. */
const LIMIT_MIN = 128 * 1024;

export interface ClientMemoryOptions {
  /** All clients, oldest first. */
  readonly all: () => Iterable<Client>;
  readonly now: () => number;
  /** A client is about to be disconnected for what it costs. */
  readonly onEvict: (client: Client) => void;
  /** All clients that may be were disconnected, and it is still too much. */
  readonly onHelpless: () => void;
}

export class ClientMemory {
  /** Most bytes that clients may cost, 0 for no limit. */
  limit = 0;
  private readonly options: ClientMemoryOptions;
  private readonly byType: Record<ClientType, number> = {
    normal: 0,
    master: 0,
    replica: 0,
    pubsub: 0,
  };
  /** Those above the smallest class, by class; the first that came first. */
  private readonly large: Set<Client>[] = Array.from(
    { length: LARGEST_LOG - SMALLEST_LOG },
    () => new Set(),
  );
  /** Whether nobody is left to be disconnected, until the next look. */
  private isHelpless = false;
  private readonly recentInput = new Recent();
  private readonly recentOutput = new Recent();

  constructor(options: ClientMemoryOptions) {
    this.options = options;
  }

  /** Bytes of all clients that are no replicas. */
  get normalBytes(): number {
    const { normal, pubsub, master } = this.byType;
    return normal + pubsub + master;
  }

  get replicaBytes(): number {
    return this.byType.replica;
  }

  /** Bytes of all clients. */
  get bytes(): number {
    return this.normalBytes + this.replicaBytes;
  }

  /** The largest buffer of what one client has sent, and of what one is owed, lately. */
  biggest(): { input: number; output: number } {
    const nowMs = this.options.now();
    return { input: this.recentInput.max(nowMs), output: this.recentOutput.max(nowMs) };
  }

  /** Puts right what a client adds to the sums. O(1). */
  recount(client: Client): void {
    const bytes = client.memoryBytes();
    const { type } = client;
    if (bytes === client.countedBytes && type === client.countedType) return;
    this.byType[client.countedType] -= client.countedBytes;
    this.byType[type] += bytes;
    client.countedType = type;
    client.countedBytes = bytes;
    this.countNames(client, client.nameBytes);
    this.place(client, classOf(bytes));
    const nowMs = this.options.now();
    this.recentInput.note(client.inputBytes, nowMs);
    this.recentOutput.note(client.unsentBytes, nowMs);
  }

  /** A client has ended. */
  forget(client: Client): void {
    this.byType[client.countedType] -= client.countedBytes;
    client.countedBytes = 0;
    this.countNames(client, 0);
    this.place(client, 0);
  }

  private countNames(client: Client, bytes: number): void {
    heapGuard.count('client names', bytes - client.countedNames);
    client.countedNames = bytes;
  }

  private place(client: Client, next: number): void {
    const { memoryClass } = client;
    if (memoryClass === next) return;
    if (memoryClass > 0) this.large[memoryClass - 1]!.delete(client);
    if (next > 0) this.large[next - 1]!.add(client);
    client.memoryClass = next;
  }

  /** Whether clients cost as much as they may, or more. */
  get isExceeded(): boolean {
    const { limit, byType } = this;
    return limit > 0 && byType.normal + byType.pubsub >= limit && !this.isHelpless;
  }

  /** Disconnects the largest clients until the others cost less than they may. */
  evict(): void {
    for (let i = this.large.length - 1; i >= 0; i--) {
      if (this.large[i]!.size > 0 && this.evictSome(this.large[i]!)) return;
    }
    if (this.evictSome(this.options.all())) return;
    this.isHelpless = true;
    this.options.onHelpless();
  }

  /** Clients may be disconnected again. For a timer. */
  retry(): void {
    this.isHelpless = false;
  }

  /** Whether it is enough. */
  private evictSome(clients: Iterable<Client>): boolean {
    for (const client of [...clients]) {
      if (!this.isExceeded) return true;
      if (client.noEvict || (client.type !== 'normal' && client.type !== 'pubsub')) continue;
      this.options.onEvict(client);
      client.kill();
    }
    return !this.isExceeded;
  }
}

/** `maxmemory-clients`, of which a negative value is percent of `maxmemory`, as bytes; 0: none. */
export function clientsLimit(setting: number, maxMemory: number): number {
  if (setting === 0 || (setting < 0 && maxMemory === 0)) return 0;
  const bytes = setting < 0 ? Math.floor((maxMemory * -setting) / 100) : setting;
  return Math.max(bytes, LIMIT_MIN);
}

/** 0 for the smallest. */
function classOf(bytes: number): number {
  if (bytes < 2 ** SMALLEST_LOG) return 0;
  const log = Math.min(LARGEST_LOG, Math.floor(Math.log2(bytes)) + 1);
  return log - SMALLEST_LOG;
}

/** The largest value of the last seconds: one for each of them, in turn. */
class Recent {
  private readonly values = new Float64Array(RECENT_SECONDS);
  private second = 0;

  note(value: number, nowMs: number): void {
    if (value === 0) return;
    const slot = this.advance(nowMs);
    if (value > this.values[slot]!) this.values[slot] = value;
  }

  max(nowMs: number): number {
    this.advance(nowMs);
    return Math.max(...this.values);
  }

  /** Forgets what is too old; the place of the present second. */
  private advance(nowMs: number): number {
    const second = Math.floor(nowMs / 1000);
    const gone = Math.abs(second - this.second);
    if (gone >= RECENT_SECONDS) this.values.fill(0);
    else for (let i = 0; i < gone; i++) this.values[(second - i) % RECENT_SECONDS] = 0;
    this.second = second;
    return second % RECENT_SECONDS;
  }
}
