/**
 * The manifest on the disk: read as a whole, replaced as a whole.
 */
import path from 'node:path';
import {
  type FileSystem,
  type SystemError,
  systemText,
  uninterrupted,
  writeFully,
} from '../files.ts';
import { Manifest, ManifestError } from './manifest.ts';

/** No manifest is larger; what is must be something else. */
const BYTES_MAX = 64 * 1024 * 1024;

/** Name of the manifest of append-only files with this beginning of their names. */
export function manifestName(name: string): string {
  return `${name}.manifest`;
}

/**
 * The manifest of a directory, or undefined when there is none. Throws ManifestError, SystemError.
 */
export function readManifest(
  files: FileSystem,
  directory: string,
  name: string,
): Manifest | undefined {
  const file = path.join(directory, manifestName(name));
  if (!files.exists(file)) return undefined;
  return Manifest.parse(readText(files, file));
}

/** The text of a file, one character per byte. Throws ManifestError, SystemError. */
export function readText(files: FileSystem, file: string): string {
  const open = uninterrupted(() => files.open(file, 'read'));
  try {
    const size = open.size();
    if (size > BYTES_MAX) throw new ManifestError('The AOF manifest is too large', 0, '');
    const bytes = Buffer.alloc(size);
    let done = 0;
    while (done < size) {
      const count = uninterrupted(() => open.read(bytes, done, size, done));
      if (count === 0) break;
      done += count;
    }
    return bytes.toString('latin1', 0, done);
  } finally {
    open.close();
  }
}

/**
 * A manifest is in its place, but nobody knows whether it, or the one before, will be there after a
 * crash: the files of both must stay.
 */
export class UnsyncedManifest extends Error {
  override readonly name = 'UnsyncedManifest';
}

/**
 * Puts a manifest in the place of the old one: written and synced under another name, renamed, and
 * the directory synced. Throws SystemError, then the old one counts; or UnsyncedManifest.
 */
export function writeManifest(
  files: FileSystem,
  directory: string,
  name: string,
  manifest: Manifest,
): void {
  const temporary = path.join(directory, `temp-${manifestName(name)}`);
  if (files.exists(temporary)) uninterrupted(() => files.unlink(temporary));
  const file = uninterrupted(() => files.open(temporary, 'new'));
  try {
    writeFully(file, Buffer.from(manifest.format(), 'latin1'));
    uninterrupted(() => file.sync());
  } finally {
    file.close();
  }
  uninterrupted(() => files.rename(temporary, path.join(directory, manifestName(name))));
  try {
    uninterrupted(() => files.syncDirectory(directory));
  } catch (error) {
    throw new UnsyncedManifest(systemText(error as SystemError), { cause: error });
  }
}
