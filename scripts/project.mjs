/**
 * What start, test, build and bench share: install when needed, build when stale.
 *
 * Plain JavaScript on Node's own modules, because it runs before anything is installed. Silent
 * when there is nothing to say; what a tool printed is shown only when the tool failed.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const serverFile = path.join(root, 'dist/bin/respite.cjs');

const BUILD_INPUTS = [
  'bin',
  'src',
  'package.json',
  'scripts/bundle.mjs',
  'scripts/project.mjs',
  'tsconfig.json',
  'tsconfig.build.json',
];
/** What the compiler leaves out and the server reads. */
const COPIED = ['src/scripting/wasm/lua.wasm', 'src/scripting/wasm/LICENSE.lua'];
/** Where a build grows before it replaces `dist`; as a directory also the lock among builders. */
const NEXT = path.join(root, '.respite-build');
const DIST = path.join(root, 'dist');
const STAMP = '.stamp';
const OWNER = '.owner';

/** Installs the locked packages, TypeScript among them, unless they are there already. */
export async function ensureInstalled() {
  if (isInstalled()) return;
  if (process.stderr.isTTY) process.stderr.write('respite: installing packages\n');
  // Not `npm ci`: it refuses a lock that lacks the binaries of other platforms, which is what npm
  // writes when a registry mirror has not got them. --no-save leaves the lock as it is.
  // --include=dev: a build needs the compiler even where NODE_ENV says production.
  await npm([
    'install',
    '--no-save',
    '--include=dev',
    // `prepare` builds, and a build installs what is missing: not in a circle.
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
}

/** Compares package-lock.json with what npm noted about node_modules. No stamp of our own. */
function isInstalled() {
  const modules = path.join(root, 'node_modules');
  if (!existsSync(path.join(root, 'package-lock.json'))) return existsSync(modules);
  let wanted;
  let present;
  try {
    wanted = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
    const noted = path.join(modules, '.package-lock.json');
    present = JSON.parse(readFileSync(noted, 'utf8')).packages;
  } catch {
    return false;
  }
  return Object.entries(wanted).every(([where, entry]) => {
    if (where === '' || entry.optional || entry.peer) return true;
    return present[where]?.version === entry.version;
  });
}

function npm(args) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith('.js')) return runQuietly(process.execPath, [cli, ...args]);
  return runQuietly('npm', args, { shell: process.platform === 'win32' });
}

/** Brings `dist` up to date with bin and src. Answers whether anything had to be compiled. */
export async function ensureBuilt() {
  const wanted = inputsHash();
  if (readStamp(DIST) === wanted) return false;
  await lock();
  try {
    // Another process may have built while this one waited, from newer sources at that.
    const current = inputsHash();
    if (readStamp(DIST) === current) return false;
    await runQuietly(process.execPath, [
      path.join(root, 'node_modules/typescript/bin/tsc'),
      ...['-p', 'tsconfig.build.json', '--outDir', NEXT, '--noEmitOnError'],
    ]);
    const { bundle } = await import('./bundle.mjs');
    await bundle(NEXT);
    chmodSync(path.join(NEXT, 'bin/respite.cjs'), 0o755);
    for (const name of COPIED) {
      mkdirSync(path.dirname(path.join(NEXT, name)), { recursive: true });
      copyFileSync(path.join(root, name), path.join(NEXT, name));
    }
    writeFileSync(path.join(NEXT, STAMP), current);
    replaceDist();
    await warm();
    return true;
  } finally {
    rmSync(NEXT, { recursive: true, force: true });
  }
}

/** Runs the command line once, so that V8's code for the first real start is there. */
async function warm() {
  await run(process.execPath, [serverFile, '--port', '0'], { stdio: 'pipe' });
}

/** Contents, not times: a checkout changes times and keeps contents. */
function inputsHash() {
  const hash = createHash('sha256');
  hash.update(process.version);
  for (const file of BUILD_INPUTS.flatMap((name) => filesUnder(path.join(root, name)))) {
    hash.update(`\0${path.relative(root, file)}\0`);
    hash.update(readFileSync(file));
  }
  return hash.digest('hex');
}

function filesUnder(where) {
  if (!existsSync(where)) return [];
  let entries;
  try {
    entries = readdirSync(where, { withFileTypes: true });
  } catch {
    return [where];
  }
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const file = path.join(where, entry.name);
      return entry.isDirectory() ? filesUnder(file) : [file];
    });
}

function readStamp(dir) {
  try {
    return readFileSync(path.join(dir, STAMP), 'utf8');
  } catch {
    return undefined;
  }
}

async function lock() {
  for (;;) {
    try {
      mkdirSync(NEXT);
      writeFileSync(path.join(NEXT, OWNER), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (ownerIsGone()) rmSync(NEXT, { recursive: true, force: true });
    else await delay(100);
  }
}

function ownerIsGone() {
  let pid;
  try {
    pid = Number(readFileSync(path.join(NEXT, OWNER), 'utf8'));
  } catch {
    // Between mkdir and the note of its owner, or just removed: look again.
    return false;
  }
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

function replaceDist() {
  rmSync(path.join(NEXT, OWNER), { force: true });
  const old = `${DIST}.old-${process.pid}`;
  if (existsSync(DIST)) renameSync(DIST, old);
  renameSync(NEXT, DIST);
  rmSync(old, { recursive: true, force: true });
}

/** Runs a tool and keeps its output back; shows it and ends this process when the tool fails. */
async function runQuietly(command, args, options = {}) {
  const { code, output } = await run(command, args, { ...options, stdio: 'pipe' });
  if (code === 0) return;
  process.stderr.write(output);
  process.stderr.write(`respite: ${command} ${args.join(' ')} failed\n`);
  process.exit(code);
}

/**
 * Runs a program in the project's root to its end.
 * @returns {Promise<{ code: number, output: string }>} output is empty unless stdio is 'pipe'
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const stdio = options.stdio === 'pipe' ? ['ignore', 'pipe', 'pipe'] : 'inherit';
    const child = spawn(command, args, { cwd: root, ...options, stdio });
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr?.on('data', (chunk) => {
      output += chunk;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? (signal ? 1 : 0), output }));
  });
}
