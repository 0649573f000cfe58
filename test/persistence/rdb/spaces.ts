/** Keyspaces for tests of RDB files: made, loaded from bytes, and written to bytes. */
import { Keyspace } from '../../../src/keyspace/keyspace.ts';
import { HeapArena } from '../../../src/memory/heap-arena.ts';
import { RdbFileReader, type RdbReadOptions } from '../../../src/persistence/rdb/file-reader.ts';
import {
  defaultWriteOptions,
  RdbFileWriter,
  type RdbSource,
  type RdbWriteOptions,
} from '../../../src/persistence/rdb/file-writer.ts';

export const NOW = 1_700_000_000_000;

export function newSpace(databases = 16): Keyspace {
  const space = new Keyspace({
    arena: new HeapArena(),
    databases,
    hashKey: Int32Array.of(7, 11),
    random: Math.random,
  });
  space.nowMs = NOW;
  return space;
}

export function readerOf(space: Keyspace, options: Partial<RdbReadOptions> = {}): RdbFileReader {
  return new RdbFileReader(space, {
    bytes: Number.POSITIVE_INFINITY,
    database: (index) => space.dbs[index],
    keepExpired: false,
    replace: false,
    checksum: true,
    checkOnly: false,
    ...options,
  });
}

/** Loads a whole file, in pieces of `piece` bytes. Throws what the reader does. */
export function load(
  space: Keyspace,
  bytes: Uint8Array,
  options: Partial<RdbReadOptions> = {},
  piece = bytes.length,
): RdbFileReader {
  const reader = readerOf(space, { bytes: bytes.length, ...options });
  try {
    for (let from = 0; from < bytes.length; from += piece) {
      reader.feed(bytes, from, Math.min(from + piece, bytes.length));
    }
    reader.end();
    return reader;
  } finally {
    reader.close();
  }
}

export function sourceOf(space: Keyspace, functions: readonly Uint8Array[] = []): RdbSource {
  const databases = space.dbs.map(({ index, root, expires }) => ({
    index,
    root,
    volatileKeys: expires.size,
  }));
  return { tools: space.tools, databases, functions, nowMs: space.nowMs };
}

/** A file's bytes, with the header put right. */
export function write(
  space: Keyspace,
  options: Partial<RdbWriteOptions> = {},
  functions: readonly Uint8Array[] = [],
): Buffer {
  const pieces: Buffer[] = [];
  const all = { ...defaultWriteOptions, ...options };
  const writer = new RdbFileWriter(sourceOf(space, functions), all, (bytes) => {
    pieces.push(Buffer.from(bytes));
  });
  writer.writeAll();
  const bytes = Buffer.concat(pieces);
  bytes.set(writer.fixedHeader(), 0);
  const footer = writer.fixedFooter();
  bytes.set(footer, bytes.length - footer.length);
  return bytes;
}

/** Empties all databases and frees everything. */
export function clear(space: Keyspace): void {
  space.flush(space.dbs.keys());
  while (space.freeGarbage(1_000_000));
}
