/**
 * `respite check rdb FILE`: reads a file from end to end, keeps nothing, and tells what is in it.
 */
import type { Keyspace } from '../keyspace/keyspace.ts';
import { nodeFiles } from '../persistence/files.ts';
import { RdbFileError } from '../persistence/rdb/file-error.ts';
import { RdbFileLoader } from '../persistence/rdb/load-file.ts';
import { rdbTypeName } from '../persistence/rdb/types.ts';
import { printable } from '../util/latin1.ts';
import { databaseOf, toolKeyspace } from './keyspaces.ts';
import { Progress, type Terminal } from './progress.ts';

export interface ToolOutput {
  readonly out: (text: string) => void;
  /** For what is wrong. */
  readonly err: (text: string) => void;
  readonly terminal: Terminal;
  /** Asks a question and waits for the answer, a line. */
  readonly ask: (question: string) => string;
  /**
   * The data of append-only files, whose commands only a server can run; rejects with what is
   * wrong with them.
   */
  readonly readCommands: (
    file: string,
    onProgress: (done: number, total: number) => void,
  ) => Promise<{ readonly space: Keyspace; readonly functions: readonly Uint8Array[] }>;
}

/** Returns the exit code: 0 for a sound file. */
export function checkRdb(file: string, { out, err, terminal }: ToolOutput): number {
  const space = toolKeyspace();
  const types = new Map<number, number>();
  const databases = new Set<number>();
  const aux: string[] = [];
  let functions = 0;
  let volatile = 0;
  let expired = 0;
  const progress = new Progress(terminal, 'checking');
  const loader = new RdbFileLoader(nodeFiles, file, space, {
    database: (index) => {
      databases.add(index);
      return databaseOf(space, index);
    },
    keepExpired: true,
    replace: false,
    checksum: true,
    checkOnly: true,
    onAux: (name, value) => aux.push(`${printable(name)} ${printable(value)}`),
    onFunction: () => {
      functions++;
    },
    onKey: (type, expireAt) => {
      types.set(type, (types.get(type) ?? 0) + 1);
      if (expireAt === -1) return;
      volatile++;
      if (expireAt < space.nowMs) expired++;
    },
  });
  const { reader } = loader;
  try {
    while (loader.step()) progress.update(loader.offset, loader.bytes);
  } catch (error) {
    if (!(error instanceof RdbFileError)) throw error;
    progress.end();
    err(`${file}: ${error.message}; ${reader.keys} keys before it are sound\n`);
    return 1;
  } finally {
    loader.close();
  }
  progress.end();
  const behind = loader.bytes - reader.offset;
  out(`${file}: RDB version ${reader.version}, ${reader.offset} bytes\n`);
  for (const line of aux) out(`  ${line}\n`);
  out(`  ${functions} function libraries, ${reader.keys} keys, ${volatile} with a time to live`);
  out(`, ${expired} of these expired\n`);
  for (const [type, count] of [...types].sort((a, b) => b[1] - a[1])) {
    out(`  ${String(count).padStart(10)} ${rdbTypeName(type)}\n`);
  }
  if (reader.empty > 0) out(`  ${reader.empty} collections without elements, which are left out\n`);
  if (behind > 0) out(`  ${behind} bytes follow the end\n`);
  out('OK\n');
  return 0;
}
