/**
 * `respite check aof FILE|MANIFEST [--fix]`: whether append-only files are whole, and where they
 * are not; --fix cuts the last one off there. Verdicts and exit codes as redis-check-aof 7.0.15.
 */
import path from 'node:path';
import { ManifestError } from '../persistence/aof/manifest.ts';
import { nodeFiles } from '../persistence/files.ts';
import { RdbFileError } from '../persistence/rdb/file-error.ts';
import { RdbFileLoader } from '../persistence/rdb/load-file.ts';
import { AofScan } from './aof-scan.ts';
import type { ToolOutput } from './check.ts';
import { dataFilesOf, formOf } from './file-form.ts';
import { databaseOf, toolKeyspace } from './keyspaces.ts';
import { Progress } from './progress.ts';

export interface CheckAofOptions {
  /** Cut the last file off where it is no longer sound. */
  readonly fix: boolean;
  /** Do not ask before. */
  readonly yes: boolean;
}

/** What a file turned out to be. */
interface Verdict {
  readonly size: number;
  readonly soundTo: number;
  readonly commands: number;
  /** Keys of an RDB file at the beginning, or -1. */
  readonly keys: number;
  /** What is wrong, with the byte. */
  readonly fault: string | undefined;
  /** Whether cutting off helps: not within an RDB file. */
  readonly isFixable: boolean;
}

/** Returns the exit code: 0 when all is sound, or was made so. */
export function checkAof(file: string, options: CheckAofOptions, output: ToolOutput): number {
  const { err, out } = output;
  let names = [file];
  const isManifest = formOf(nodeFiles, file) === 'manifest';
  if (isManifest) {
    try {
      names = dataFilesOf(nodeFiles, file);
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
      err(`${file}: ${error.message}\n`);
      return 1;
    }
  }
  for (const [i, name] of names.entries()) {
    const shown = isManifest ? path.basename(name) : name;
    const verdict = examine(name, output);
    if (verdict.fault === undefined) {
      out(`${shown}: ${contents(verdict)}: OK\n`);
      continue;
    }
    const { fault, size, soundTo } = verdict;
    err(`${shown}: ${fault}; of ${size} bytes ${soundTo} are sound, ${size - soundTo} are not\n`);
    const isLast = i === names.length - 1;
    if (!options.fix) {
      const advice = verdict.isFixable && isLast ? '--fix cuts it off there' : 'it cannot be fixed';
      err(`${shown} is not valid; ${advice}\n`);
      return 1;
    }
    if (!verdict.isFixable || !isLast) {
      const why = isLast ? 'within an RDB file' : 'the files after it build on it';
      err(`${shown} is not valid and cannot be fixed: ${why}\n`);
      return 1;
    }
    if (!fix(name, shown, verdict, options, output)) return 1;
  }
  return 0;
}

function contents({ size, keys, commands }: Verdict): string {
  if (size === 0) return 'empty';
  const rdb = keys < 0 ? '' : `an RDB file with ${keys} keys, `;
  return `${size} bytes, ${rdb}${commands} commands`;
}

function examine(name: string, { terminal }: ToolOutput): Verdict {
  const progress = new Progress(terminal, 'checking');
  const file = nodeFiles.open(name, 'read');
  try {
    const size = file.size();
    const preamble = Buffer.alloc(5);
    file.read(preamble, 0, preamble.length, 0);
    let from = 0;
    let keys = -1;
    if (preamble.toString('latin1') === 'REDIS') {
      const rdb = examineRdb(name, progress);
      if (typeof rdb === 'string') {
        return { size, soundTo: 0, commands: 0, keys, fault: rdb, isFixable: false };
      }
      from = rdb.end;
      keys = rdb.keys;
    }
    const scan = new AofScan(file, from, size);
    while (scan.step()) progress.update(scan.soundTo, size);
    const { commands, soundTo } = scan;
    const fault = scan.fault && `${scan.fault.message}, at byte ${scan.fault.at}`;
    return { size, soundTo, commands, keys, fault, isFixable: true };
  } finally {
    progress.end();
    file.close();
  }
}

/** Where an RDB file at the beginning ends, and its keys; or what is wrong with it. */
function examineRdb(name: string, progress: Progress): { end: number; keys: number } | string {
  const space = toolKeyspace();
  const loader = new RdbFileLoader(nodeFiles, name, space, {
    database: (index) => databaseOf(space, index),
    keepExpired: true,
    replace: false,
    checksum: true,
    checkOnly: true,
  });
  try {
    while (loader.step()) progress.update(loader.offset, loader.bytes);
    return { end: loader.offset, keys: loader.reader.keys };
  } catch (error) {
    if (!(error instanceof RdbFileError)) throw error;
    return `the RDB file that it begins with is not sound: ${error.message}`;
  } finally {
    loader.close();
  }
}

function fix(
  name: string,
  shown: string,
  { size, soundTo }: Verdict,
  { yes }: CheckAofOptions,
  { ask, err, out }: ToolOutput,
): boolean {
  const question = `Cut ${shown} off from ${size} to ${soundTo} bytes? [y/N]: `;
  if (!yes && !/^y/i.test(ask(question))) {
    err('Nothing was changed.\n');
    return false;
  }
  const file = nodeFiles.open(name, 'update');
  try {
    file.truncate(soundTo);
    file.sync();
  } finally {
    file.close();
  }
  out(`${shown}: cut off to ${soundTo} bytes\n`);
  return true;
}
