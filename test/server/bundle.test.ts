/** The bundled command line: what it needs next to it, and what it can do without. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../harness/respite.ts';

let dir: string;
let bin: string;

beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'respite-'));
  bin = path.join(dir, 'dist/bin');
  cpSync(path.join(root, 'dist/bin'), bin, { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(dir, 'node_modules'));
  cpSync(path.join(root, 'package.json'), path.join(dir, 'package.json'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const codeFiles = () => readdirSync(bin).filter((name) => name.startsWith('.code-'));

function version(): string {
  const file = path.join(bin, 'respite.cjs');
  return spawnSync(process.execPath, [file, '--version'], { encoding: 'utf8' }).stdout;
}

describe('the bundle', () => {
  const { version: expected } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

  it('runs without our modules, and knows where they would be', () => {
    expect(version()).toContain(`v=${expected} `);
    expect(readFileSync(path.join(bin, 'bundle.cjs'), 'latin1')).not.toContain('import.meta');
  });

  it('writes its compiled code down where there is none', () => {
    for (const name of codeFiles()) rmSync(path.join(bin, name));
    expect(version()).toContain(`v=${expected} `);
    expect(codeFiles()).toHaveLength(1);
  });

  it('runs when the compiled code is damaged, and replaces it', () => {
    const [name] = codeFiles();
    const file = path.join(bin, name!);
    writeFileSync(file, 'nonsense');
    expect(version()).toContain(`v=${expected} `);
    expect(readFileSync(file).length).toBeGreaterThan(1000);
  });

  it('can use what a server has written down: flags of V8 are changed only after that', async () => {
    for (const name of codeFiles()) rmSync(path.join(bin, name));
    const file = path.join(bin, 'respite.cjs');
    const args = [file, '--port', '0', '--unixsocket', 'socket', '--save', ''];
    const child = spawn(process.execPath, args, { cwd: dir, stdio: 'ignore' });
    await expect.poll(codeFiles, { timeout: 25_000 }).toHaveLength(1);
    child.kill();
    await once(child, 'exit');
    const [name] = codeFiles();
    const { ino } = statSync(path.join(bin, name!));
    // Replaced by a start that cannot use it.
    version();
    expect(statSync(path.join(bin, name!)).ino).toBe(ino);
  });

  it.runIf(process.platform === 'linux')(
    'is ready with little memory above that of Node',
    async () => {
      const resident = async (...args: string[]) => {
        const child = spawn(process.execPath, args, {
          cwd: dir,
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let said = '';
        child.stdout.on('data', (chunk) => {
          said += chunk;
        });
        while (!/ready/i.test(said)) await once(child.stdout, 'data');
        const status = readFileSync(`/proc/${child.pid}/status`, 'latin1');
        child.kill();
        await once(child, 'exit');
        return Number(/VmRSS:\s*(\d+)/.exec(status)![1]) / 1024;
      };
      const bare = `require('net').createServer().listen(0, () => console.log('ready'))`;
      const file = path.join(root, 'dist/bin/respite.cjs');
      const above =
        (await resident(file, '--port', '0', '--unixsocket', 'socket')) -
        (await resident('-e', bare));
      // 13 MB; V8's optimising compiler, called upon during the start, would be 4 more.
      expect(above).toBeLessThan(16);
    },
  );
});
