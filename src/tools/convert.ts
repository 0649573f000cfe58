/**
 * `respite convert INPUT OUTPUT`: RDB files of all versions, append-only files, and JSON lines
 * (`json-writer.ts`), into each other. The data is in memory meanwhile, as in a server. Access data
 * is not kept.
 */
import path from 'node:path';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { saveCommandFile } from '../persistence/aof/command-file.ts';
import { Manifest } from '../persistence/aof/manifest.ts';
import { writeManifest } from '../persistence/aof/manifest-file.ts';
import { type FileSystem, nodeFiles, type OpenFile, writeFully } from '../persistence/files.ts';
import { defaultWriteOptions, type RdbSource } from '../persistence/rdb/file-writer.ts';
import { RdbFileLoader } from '../persistence/rdb/load-file.ts';
import { type FileOptions, saveRdbFile } from '../persistence/rdb/save-file.ts';
import type { ToolOutput } from './check.ts';
import { type FileForm, formOf } from './file-form.ts';
import { jsonSteps } from './json-lines.ts';
import { JsonReader } from './json-reader.ts';
import { type DumpExtras, writeJsonLines } from './json-writer.ts';
import { databaseOf, toolKeyspace } from './keyspaces.ts';
import { Progress, type Terminal } from './progress.ts';

export interface ConvertOptions {
  /** The format to write; by default that of the output's name. */
  readonly to?: FileForm;
  readonly rdbVersion: number;
  readonly compress: boolean;
  readonly checksum: boolean;
}

interface Data extends DumpExtras {
  readonly space: Keyspace;
  readonly keys: number;
}

const PIECE_BYTES = 256 * 1024;

/** Converts a file. Throws Error with what is wrong; then there is no new output. */
export async function convert(
  input: string,
  output: string,
  options: ConvertOptions,
  tool: ToolOutput,
): Promise<void> {
  const to = options.to ?? formatOf(output);
  const { out } = tool;
  const data = await read(input, tool);
  if (to === 'json') writeJson(data, output);
  else if (to === 'rdb') writeRdb(data, output, options, out);
  else if (to === 'aof') writeCommands(data, output);
  else writeManifestAndBase(data, output, options, out);
  if (output !== '-') out(`${data.keys} keys written to ${output}\n`);
}

/** The format that a name stands for. */
export function formatOf(name: string): FileForm {
  if (name.endsWith('.rdb')) return 'rdb';
  if (name.endsWith('.aof')) return 'aof';
  return name.endsWith('.manifest') ? 'manifest' : 'json';
}

async function read(input: string, { terminal, readCommands }: ToolOutput): Promise<Data> {
  const form = formOf(nodeFiles, input);
  if (form === 'rdb') return readRdb(input, terminal);
  if (form === 'json') return readJson(input, terminal);
  const progress = new Progress(terminal, 'reading');
  try {
    const data = await readCommands(input, (done, total) => progress.update(done, total));
    const keys = data.space.dbs.reduce((sum, db) => sum + db.size, 0);
    return { ...data, aux: [], keys };
  } finally {
    progress.end();
  }
}

function readRdb(input: string, terminal: Terminal): Data {
  const space = toolKeyspace();
  const aux: [string, string][] = [];
  const functions: Buffer[] = [];
  const progress = new Progress(terminal, 'reading');
  const loader = new RdbFileLoader(nodeFiles, input, space, {
    database: (index) => databaseOf(space, index),
    keepExpired: true,
    replace: false,
    checksum: true,
    checkOnly: false,
    onAux: (name, value) => aux.push([latin1(name), latin1(value)]),
    onFunction: (code) => functions.push(Buffer.from(code)),
  });
  try {
    while (loader.step()) progress.update(loader.offset, loader.bytes);
  } finally {
    loader.close();
    progress.end();
  }
  return { space, aux, functions, keys: loader.reader.keys };
}

function readJson(input: string, terminal: Terminal): Data {
  const space = toolKeyspace();
  for (let i = 0; i < 256; i++) databaseOf(space, i);
  const reader = new JsonReader(space);
  const progress = new Progress(terminal, 'reading');
  const file = nodeFiles.open(input, 'read');
  try {
    const total = file.size();
    for (const offset of jsonSteps(file, reader)) progress.update(offset, total);
  } finally {
    file.close();
    progress.end();
  }
  return { space, aux: reader.aux, functions: reader.functions, keys: reader.keys };
}

function writeJson(data: Data, output: string): void {
  if (output === '-') {
    writeJsonLines(data.space, data, (line) => process.stdout.write(`${line}\n`));
    return;
  }
  replaceFile(nodeFiles, output, (file) => {
    let lines: string[] = [];
    let length = 0;
    const flush = () => {
      writeFully(file, Buffer.from(lines.join('')));
      lines = [];
      length = 0;
    };
    writeJsonLines(data.space, data, (line) => {
      lines.push(line, '\n');
      length += line.length;
      if (length >= PIECE_BYTES) flush();
    });
    flush();
  });
}

/** Writes a file beside the old one and puts it in its place. */
function replaceFile(files: FileSystem, name: string, write: (file: OpenFile) => void): void {
  const temporary = path.join(path.dirname(name), temporaryName());
  const file = files.open(temporary, 'new');
  try {
    try {
      write(file);
      file.sync();
    } finally {
      file.close();
    }
    files.rename(temporary, name);
  } catch (error) {
    files.unlink(temporary);
    throw error;
  }
  files.syncDirectory(path.dirname(name));
}

function writeRdb(
  data: Data,
  output: string,
  options: ConvertOptions,
  out: (text: string) => void,
): void {
  const { version } = saveRdbFile(nodeFiles, sourceOf(data), {
    ...defaultWriteOptions,
    aux: data.aux,
    compress: options.compress,
    checksum: options.checksum,
    version: options.rdbVersion,
    ...fileOptions(output),
  });
  if (version > options.rdbVersion) {
    out(
      `version ${version}, not ${options.rdbVersion}: the data has what older ones do not know\n`,
    );
  }
}

function writeCommands(data: Data, output: string): void {
  saveCommandFile(nodeFiles, sourceOf(data), { stamp: false, ...fileOptions(output) });
}

/** An RDB file as base, and the manifest that names it; a server adds the rest. */
function writeManifestAndBase(
  data: Data,
  output: string,
  options: ConvertOptions,
  out: (text: string) => void,
): void {
  const directory = path.dirname(output);
  const name = path.basename(output).replace(/\.manifest$/, '');
  const base = `${name}.1.base.rdb`;
  const aux = [...data.aux.filter(([field]) => field !== 'aof-base'), ['aof-base', '1'] as const];
  writeRdb({ ...data, aux }, path.join(directory, base), options, out);
  const manifest = new Manifest({ name: base, seq: 1, type: 'base' }, [], []);
  writeManifest(nodeFiles, directory, name, manifest);
}

function sourceOf({ space, functions }: Data): RdbSource {
  const databases = space.dbs.map(({ index, root, expires }) => ({
    index,
    root,
    volatileKeys: expires.size,
  }));
  return { tools: space.tools, databases, functions, nowMs: space.nowMs };
}

function fileOptions(output: string): FileOptions {
  return {
    directory: path.dirname(output),
    name: path.basename(output),
    temporaryName: temporaryName(),
    incrementalSync: true,
  };
}

function temporaryName(): string {
  return `temp-convert-${process.pid}`;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
