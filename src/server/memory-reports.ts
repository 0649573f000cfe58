/**
 * MEMORY STATS, DOCTOR, MALLOC-STATS and PURGE. How memory is split into overhead and data is said
 * here, for INFO as well.
 *
 * Source of fields and thresholds: redis-server 7.0.15, object.c. The texts are our own.
 */
import type { DatabaseMemory, MemoryPort, MemoryStats } from '../commands/ports/memory.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { MemoryFigures } from './memory-figures.ts';
import { residentBytes } from './process-figures.ts';

const MIB = 1024 * 1024;
/** An instance with less than this is not worth an opinion. */
const SMALL_BYTES = 5 * MIB;
/** Waste below this is none, whatever its part of the whole. */
const WASTE_MIN_BYTES = 10 * MIB;

/** How used memory is split. */
export interface MemorySplit {
  readonly used: number;
  /** What is in use without being data: clients, buffers, scripts, tables of keys. */
  readonly overhead: number;
  readonly dataset: number;
  /** What was not there at the start. */
  readonly net: number;
  readonly databases: readonly DatabaseMemory[];
}

export interface MemoryReportsOptions {
  readonly keyspace: Keyspace;
  readonly figures: () => MemoryFigures;
  readonly clientCount: () => number;
  readonly replicaCount: () => number;
  readonly scriptCount: () => number;
}

export class MemoryReports implements MemoryPort {
  private readonly options: MemoryReportsOptions;

  constructor(options: MemoryReportsOptions) {
    this.options = options;
  }

  /** O(databases). */
  split(): MemorySplit {
    const { keyspace, figures } = this.options;
    const memory = figures();
    const databases: DatabaseMemory[] = [];
    let tables = 0;
    for (const { size, root, index, expires, fieldExpires } of keyspace.dbs) {
      const keys = keyspace.dict.memory(root);
      const ends = expires.usedBytes + fieldExpires.usedBytes;
      tables += keys + ends;
      if (size > 0) databases.push({ index, keys, expires: ends });
    }
    const used = memory.used();
    const overhead = memory.overhead() + tables;
    const net = Math.max(0, used - memory.startup);
    return { used, overhead, dataset: used - overhead, net, databases };
  }

  stats(): MemoryStats {
    const { keyspace, figures } = this.options;
    const memory = figures();
    const { parts } = memory;
    const { used, overhead, dataset, net, databases } = this.split();
    const { usedBytes: allocated, reservedBytes: reserved } = keyspace.arena;
    const peak = Math.max(memory.peak, used);
    const rss = residentBytes();
    const keys = keyspace.dbs.reduce((sum, db) => sum + db.size, 0);
    return {
      parts: [
        ['peak.allocated', peak],
        ['total.allocated', used],
        ['startup.allocated', memory.startup],
        ['replication.backlog', memory.replication().backlog],
        ['clients.slaves', memory.replicas()],
        ['clients.normal', parts.normalClients()],
        ['cluster.links', 0],
        ['aof.buffer', parts.aofBuffer()],
        ['lua.caches', parts.scripts() + parts.scriptHeaps() - memory.functionBytes()],
        ['functions.caches', memory.functionBytes()],
      ],
      databases,
      rest: [
        ['overhead.total', overhead, false],
        ['keys.count', keys, false],
        ['keys.bytes-per-key', keys === 0 ? 0 : Math.floor(net / keys), false],
        ['dataset.bytes', dataset, false],
        ['dataset.percentage', net === 0 ? 0 : (dataset * 100) / net, true],
        ['peak.percentage', (used * 100) / peak, true],
        ['allocator.allocated', allocated, false],
        ['allocator.active', reserved, false],
        ['allocator.resident', reserved, false],
        ['allocator-fragmentation.ratio', reserved / Math.max(1, allocated), true],
        ['allocator-fragmentation.bytes', reserved - allocated, false],
        ['allocator-rss.ratio', 1, true],
        ['allocator-rss.bytes', 0, false],
        ['rss-overhead.ratio', rss / Math.max(1, reserved), true],
        ['rss-overhead.bytes', rss - reserved, false],
        ['fragmentation', rss / Math.max(1, memory.accounted), true],
        ['fragmentation.bytes', rss - memory.accounted, false],
      ],
    };
  }

  diagnosis(): string {
    const { figures } = this.options;
    if (figures().used() < SMALL_BYTES) {
      return 'There is too little data here to tell anything from. Ask again when there is more.\n';
    }
    const found = this.complaints();
    if (found.length === 0) return 'Nothing is wrong with the memory of this server.\n';
    return `${found.length} found:\n\n${found.map((text) => ` * ${text}\n`).join('\n')}`;
  }

  private complaints(): string[] {
    const { keyspace, figures, clientCount, replicaCount, scriptCount } = this.options;
    const memory = figures();
    const { parts } = memory;
    const used = memory.used();
    const { usedBytes: allocated, reservedBytes: reserved } = keyspace.arena;
    const rss = residentBytes();
    const found: string[] = [];
    const check = (holds: boolean, text: string) => {
      if (holds) found.push(text);
    };
    check(
      memory.peak / used > 1.5,
      `Peak: at its peak this server used ${times(memory.peak, used)} of what it uses now. Its ` +
        'tables shrink and unused memory goes back to the system by itself; MEMORY PURGE does it ' +
        'at once.',
    );
    check(
      isWaste(rss, memory.accounted, 1.4),
      `Fragmentation: what is resident is ${times(rss, memory.accounted)} of the data and the ` +
        "runtime. Of this, memory between blocks is defragmentation's matter (activedefrag).",
    );
    check(
      isWaste(reserved, allocated, 1.1),
      `Allocator: it holds ${times(reserved, allocated)} of what is in use. With "activedefrag ` +
        'yes" data moves together when that is more than active-defrag-ignore-bytes.',
    );
    check(
      isWaste(rss - (memory.accounted - used), reserved, 1.1),
      'Process: memory that is neither data nor the runtime is resident: copies for a snapshot ' +
        'that is being written, or buffers that V8 has not collected yet.',
    );
    const replicas = replicaCount();
    check(
      memory.replicas() / Math.max(1, replicas) > WASTE_MIN_BYTES,
      'Replicas: their output buffers are above 10 MB on average. They are too slow, or the link is.',
    );
    const clients = clientCount();
    check(
      clients > 0 && parts.normalClients() / clients > 200 * 1024,
      'Clients: their buffers are above 200 KB on average. CLIENT LIST shows whose (tot-mem); ' +
        'maxmemory-clients and client-output-buffer-limit bound them.',
    );
    check(
      scriptCount() > 1000,
      'Scripts: more than 1000 are cached. Scripts that differ only in values should take these ' +
        'as KEYS and ARGV.',
    );
    return found;
  }

  allocatorText(): string {
    const { arena } = this.options.keyspace;
    const lines = [
      `arena: ${arena.usedBytes} bytes in blocks, ${arena.reservedBytes} held, ` +
        `${arena.snapshotBytes} of them for snapshots only`,
      `moved by defragmentation: ${arena.relocated} blocks`,
      '',
      'block size     blocks      bytes  segments  filled',
    ];
    for (const { size, blocks, bytes, segments, capacity } of arena.usage()) {
      const filled = `${((bytes / Math.max(1, capacity)) * 100).toFixed(1)} %`;
      lines.push(
        `${(size === 0 ? 'own segment' : String(size)).padEnd(11)} ${String(blocks).padStart(9)}` +
          ` ${String(bytes).padStart(10)} ${String(segments).padStart(9)} ${filled.padStart(7)}`,
      );
    }
    return `${lines.join('\n')}\n`;
  }

  purge(): void {
    const { keyspace } = this.options;
    keyspace.forgetAll();
    keyspace.arena.purge();
  }
}

function times(whole: number, part: number): string {
  return `${(whole / Math.max(1, part)).toFixed(1)} times`;
}

function isWaste(whole: number, part: number, ratio: number): boolean {
  return whole / Math.max(1, part) > ratio && whole - part > WASTE_MIN_BYTES;
}
