/** What kind of file a file is, by its first bytes. */
import path from 'node:path';
import { Manifest } from '../persistence/aof/manifest.ts';
import { readText } from '../persistence/aof/manifest-file.ts';
import { type FileSystem, uninterrupted } from '../persistence/files.ts';

/** An RDB file; commands, perhaps after an RDB file; a manifest of such files; JSON lines. */
export type FileForm = 'rdb' | 'aof' | 'manifest' | 'json';

const RDB_MAGIC = 'REDIS';
const LOOKED_AT = 64;

/**
 * The form of a file. Commands after an RDB file are told by the name: an `.aof` file. Throws
 * SystemError.
 */
export function formOf(files: FileSystem, name: string): FileForm {
  const file = uninterrupted(() => files.open(name, 'read'));
  try {
    const bytes = Buffer.alloc(LOOKED_AT);
    const count = uninterrupted(() => file.read(bytes, 0, LOOKED_AT, 0));
    const start = bytes.toString('latin1', 0, count);
    if (name.endsWith('.manifest')) return 'manifest';
    if (name.endsWith('.aof')) return 'aof';
    if (start.startsWith(RDB_MAGIC)) return 'rdb';
    if (/^[\s{]/.test(start)) return 'json';
    return start.startsWith('file ') ? 'manifest' : 'aof';
  } finally {
    file.close();
  }
}

/**
 * The files that a manifest names and that make up the data, in their order, in its directory.
 * Throws ManifestError, SystemError.
 */
export function dataFilesOf(files: FileSystem, manifest: string): string[] {
  const { base, incr } = Manifest.parse(readText(files, manifest));
  const all = [...(base === undefined ? [] : [base]), ...incr];
  return all.map(({ name }) => path.join(path.dirname(manifest), name));
}
