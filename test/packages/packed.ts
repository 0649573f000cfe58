/** The package as npm makes it, installed in an empty project: what users get. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../harness/respite.ts';

/** Runs a program to its end in a directory; returns what it printed. Throws with its output. */
export function run(cwd: string, command: string, args: readonly string[], env = {}): string {
  try {
    return execFileSync(command, args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...cleanEnv(), ...env },
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')}\n${stdout ?? ''}\n${stderr ?? ''}`);
  }
}

/** What a test runner or npm has put into the environment is no business of a fresh project. */
function cleanEnv(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter(
    (name) =>
      !/^(npm_|VITEST|RESPITE|NODE_OPTIONS|NODE_ENV|TEST|DEV|PROD|MODE|SSR|BASE_URL)/.test(name),
  );
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

/** Packs a directory; returns the tarball's path. Nothing is downloaded. */
export function pack(from: string, into: string, ignoreScripts = true): string {
  const args = ['pack', '--pack-destination', into, '--loglevel=error'];
  if (ignoreScripts) args.push('--ignore-scripts');
  const before = new Set(readdirSync(into));
  run(from, 'npm', args);
  const name = readdirSync(into).find((entry) => !before.has(entry) && entry.endsWith('.tgz'));
  if (name === undefined) throw new Error(`npm pack made nothing of ${from}`);
  return path.join(into, name);
}

/** An empty project; `remove` deletes it. */
export class Project {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'respite-project-'));

  constructor(manifest: object = {}) {
    this.write('package.json', JSON.stringify({ name: 'project', private: true, ...manifest }));
  }

  write(name: string, text: string): void {
    writeFileSync(path.join(this.dir, name), text);
  }

  /** Installs a tarball of ours; its dependencies come from this tree, not from the network. */
  installOffline(tarball: string): void {
    const own = ['commander', 'denque'].map((name) =>
      pack(path.join(root, 'node_modules', name), this.dir),
    );
    this.npm('install', '--offline', tarball, ...own);
  }

  npm(command: string, ...args: string[]): string {
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
    return run(this.dir, 'npm', [command, ...quiet, ...args]);
  }

  node(...args: string[]): string {
    return this.run(process.execPath, ...args);
  }

  run(command: string, ...args: string[]): string {
    return run(this.dir, command, args);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
