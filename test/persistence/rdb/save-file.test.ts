/**
 * Saving an RDB file on a disk that fails at any call: the old file or the new one is there, whole,
 * and no temporary file.
 */
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Keyspace } from '../../../src/keyspace/keyspace.ts';
import { nodeFiles } from '../../../src/persistence/files.ts';
import { defaultWriteOptions } from '../../../src/persistence/rdb/file-writer.ts';
import { loadRdbFile } from '../../../src/persistence/rdb/load-file.ts';
import {
  SaveCancelled,
  type SaveOptions,
  saveRdbFile,
} from '../../../src/persistence/rdb/save-file.ts';
import { type Fault, FaultyFiles } from './faulty-files.ts';
import { newSpace, sourceOf } from './spaces.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'respite-test-save-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function options(more: Partial<SaveOptions> = {}): SaveOptions {
  return {
    ...defaultWriteOptions,
    compress: false,
    directory,
    name: 'dump.rdb',
    temporaryName: 'temp-1.rdb',
    incrementalSync: true,
    ...more,
  };
}

/** Some strings, about 5 MiB: more than one incremental sync. */
function filled(value: string): Keyspace {
  const space = newSpace(1);
  const bytes = Buffer.alloc(100_000, value);
  for (let i = 0; i < 50; i++) {
    const key = Buffer.from(`key ${i}`);
    space.dbs[0]!.find(key, 0, key.length);
    space.dbs[0]!.setString(0, key, 0, key.length, bytes, 0, bytes.length, 0, 0);
  }
  return space;
}

function save(files: FaultyFiles, space: Keyspace, more: Partial<SaveOptions> = {}): unknown {
  try {
    saveRdbFile(files, sourceOf(space), options(more));
    return undefined;
  } catch (error) {
    return error;
  }
}

function loadedValue(): string {
  const space = newSpace(1);
  loadRdbFile(nodeFiles, path.join(directory, 'dump.rdb'), space, {
    database: () => space.dbs[0],
    keepExpired: false,
    replace: false,
    checksum: true,
    checkOnly: false,
  });
  const db = space.dbs[0]!;
  expect(db.size).toBe(50);
  db.locateString(db.find(Buffer.from('key 7'), 0, 5));
  return String.fromCharCode(db.valueBuf[db.valueOff]!);
}

describe('saving a file', () => {
  it('makes a file with the rights that others may read, and no other', () => {
    expect(save(new FaultyFiles(), filled('a'))).toBeUndefined();
    expect(readdirSync(directory)).toEqual(['dump.rdb']);
    expect(loadedValue()).toBe('a');
  });

  it('calls in the order that makes it last', () => {
    const files = new FaultyFiles();
    save(files, filled('a'));
    const without = files.calls.filter((name) => name !== 'write');
    expect(without).toEqual(['open', 'syncData', 'sync', 'close', 'rename', 'syncDirectory']);
    expect(files.calls.lastIndexOf('write')).toBeLessThan(files.calls.indexOf('sync'));
  });

  it('leaves the old file or the new one, whatever call fails', () => {
    const old = filled('o');
    const fresh = filled('n');
    const counter = new FaultyFiles();
    save(counter, fresh);
    const { calls } = counter;
    const codes = ['EIO', 'ENOSPC', 'EDQUOT', 'EINTR', 'short'] as const;
    let failures = 0;
    for (const code of codes) {
      for (const forGood of [false, true]) {
        if (code === 'EINTR' && forGood) continue;
        for (let call = 1; call <= calls.length; call++) {
          // Among the writes every 97th and the last ones will do.
          if (calls[call - 1] === 'write' && call % 97 !== 0 && calls[call] === 'write') continue;
          save(new FaultyFiles(), old);
          const fault: Fault = { call, code, forGood };
          const files = new FaultyFiles(fault);
          const error = save(files, fresh);
          const note = `${code} at call ${call}, ${calls[call - 1]}`;
          expect(readdirSync(directory), note).toEqual(['dump.rdb']);
          expect(files.open_, note).toBe(0);
          const harmless = code === 'EINTR' ? calls[call - 1] !== 'close' : code === 'short';
          if (harmless) expect(error, note).toBeUndefined();
          else {
            failures++;
            expect((error as { code?: string }).code, note).toBe(code);
          }
          // The name is the new file's once it was renamed, be the directory synced or not.
          const named = error === undefined || calls[call - 1] === 'syncDirectory';
          expect(loadedValue(), note).toBe(named ? 'n' : 'o');
        }
      }
    }
    expect(failures).toBeGreaterThan(30);
  });

  it('does not follow what is under the temporary name', () => {
    const victim = path.join(directory, 'victim');
    writeFileSync(victim, 'precious');
    symlinkSync(victim, path.join(directory, 'temp-1.rdb'));
    expect(save(new FaultyFiles(), filled('a'))).toBeUndefined();
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(readdirSync(directory).sort()).toEqual(['dump.rdb', 'victim']);
  });

  it('gives up when it is cancelled', () => {
    save(new FaultyFiles(), filled('o'));
    const error = save(new FaultyFiles(), filled('n'), { isCancelled: () => true });
    expect(error).toBeInstanceOf(SaveCancelled);
    expect(readdirSync(directory)).toEqual(['dump.rdb']);
    expect(loadedValue()).toBe('o');
  });
});
