/**
 * README and handbook are true: their links lead somewhere, their code runs. A block of `sh` is run
 * by bash, `js run` by Node.js, `js test` by its test runner, `js vitest` by vitest, each in a
 * directory of its own, on ports of its own. `npx respite` is the build in dist.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { respiteFile, root } from './harness/respite.ts';

const pages = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join('docs', name)),
];

/** Pages whose blocks are run; others show parts. */
const runnable = [
  'README.md',
  'docs/quick-start.md',
  'docs/persistence.md',
  'docs/scripting.md',
  'docs/eviction.md',
  'docs/watching.md',
  'docs/switching.md',
];

const read = (page: string) => readFileSync(path.join(root, page), 'utf8');
const withoutCode = (text: string) =>
  text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');

/** A heading's anchor as GitHub and vitepress make it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[`*_]/g, '')
    .replaceAll(/[^\p{L}\p{N}\s-]/gu, '')
    .trim()
    .replaceAll(/\s+/g, '-');
}

function anchorsOf(page: string): string[] {
  const text = read(page).replaceAll(/^```[\s\S]*?^```/gm, '');
  return [...text.matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1]!));
}

describe('links', () => {
  it('lead to files and headings that are there', () => {
    const dead: string[] = [];
    for (const page of pages) {
      for (const [, target = ''] of withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [file = '', anchor] = target.split('#');
        const found = file === '' ? page : path.join(path.dirname(page), file);
        if (!existsSync(path.join(root, found))) dead.push(`${page}: ${target}`);
        else if (anchor !== undefined && !anchorsOf(found).includes(anchor)) {
          dead.push(`${page}: ${target}`);
        }
      }
    }
    expect(dead).toEqual([]);
  });

  it('files of docs that a page names in passing are there', () => {
    const dead = pages.flatMap((page) =>
      [...read(page).matchAll(/`(docs\/[\w./-]+)`/g)]
        .map((match) => match[1]!)
        .filter((file) => page !== 'CHANGELOG.md' && !existsSync(path.join(root, file)))
        .map((file) => `${page}: ${file}`),
    );
    expect(dead).toEqual([]);
  });
});

interface Block {
  readonly page: string;
  readonly line: number;
  readonly kind: 'sh' | 'js run' | 'js test' | 'js vitest';
  readonly text: string;
}

const blocks: readonly Block[] = runnable.flatMap((page) => {
  const text = read(page);
  return [...text.matchAll(/^```(sh|js run|js test|js vitest)\n([\s\S]*?)^```/gm)].map((match) => ({
    page,
    line: text.slice(0, match.index).split('\n').length,
    kind: match[1] as Block['kind'],
    text: match[2]!,
  }));
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const tools = ['bash', 'redis-cli', 'redis-server', 'curl'].filter(
  (tool) => spawnSync(tool, ['--version']).error !== undefined,
);
if (tools.length > 0) console.warn(`SKIPPED: blocks of sh need ${tools.join(', ')}`);

/** What is run in every tier; the rest takes a minute. */
const isBrief = ({ page, kind }: Block) => page === 'README.md' || kind === 'js run';
const isFull = process.env['RESPITE_FULL'] === '1';
if (!isFull) console.warn('SKIPPED: most code blocks of the handbook: full tier (RESPITE_FULL=1)');

describe('code blocks', () => {
  let scratch = '';
  beforeAll(() => {
    scratch = mkdtempSync(path.join(tmpdir(), 'respite-handbook-'));
    // Whatever lies above the directory for temporary files has no say.
    writeFileSync(path.join(scratch, 'package.json'), '{ "type": "module" }');
    const modules = path.join(scratch, 'node_modules');
    mkdirSync(modules);
    symlinkSync(root, path.join(modules, 'respite'));
    for (const name of ['ioredis', 'redis', 'vitest']) {
      symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name));
    }
    const bin = path.join(scratch, 'bin');
    mkdirSync(bin);
    const script = (name: string, text: string) =>
      writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    script('npx', 'exec "$@"');
    script('respite', `exec '${process.execPath}' '${respiteFile}' "$@"`);
    const cli = spawnSync('which', ['redis-cli'], { encoding: 'utf8' }).stdout.trim();
    script('redis-cli', `exec ${cli} -p "$RESPITE_TEST_PORT" "$@"`);
  });
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  /** Runs a program in a directory of its own; resolves with its exit code and output. */
  function run(command: string, args: readonly string[], cwd: string, env = {}) {
    return new Promise<{ code: number | null; output: string }>((resolve) => {
      const child = spawn(command, args, {
        cwd,
        // A group of its own: servers in the background end with it.
        detached: true,
        env: { ...process.env, NODE_OPTIONS: '', RESPITE_DEBUG: '', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          output += chunk.toString();
        });
      }
      const end = () => {
        try {
          process.kill(-child.pid!, 'SIGKILL');
        } catch {
          // All of the group have ended.
        }
      };
      const limit = setTimeout(end, 25_000);
      child.on('exit', (code) => {
        clearTimeout(limit);
        end();
        resolve({ code, output });
      });
    });
  }

  it('there are some of every kind', () => {
    expect(new Set(blocks.map(({ kind }) => kind)).size).toBe(4);
    expect(blocks.length).toBeGreaterThan(10);
  });

  for (const block of blocks) {
    const { page, line, kind, text } = block;
    const isLeftOut = (kind === 'sh' && tools.length > 0) || !(isFull || isBrief(block));
    it.skipIf(isLeftOut)(`${page}:${line} (${kind})`, async () => {
      const cwd = mkdtempSync(path.join(scratch, 'block-'));
      if (kind === 'sh') {
        let script = text;
        const ports: Record<string, number> = {};
        for (const port of ['6379', '6380', '9121']) {
          ports[port] = await freePort();
          script = script.replaceAll(port, String(ports[port]));
        }
        const env = {
          PATH: `${path.join(scratch, 'bin')}:${process.env['PATH']}`,
          RESPITE_TEST_PORT: String(ports['6379']),
        };
        const { code, output } = await run(
          'bash',
          ['-eu', '-o', 'pipefail', '-c', script],
          cwd,
          env,
        );
        expect(output).not.toMatch(/\b(ERR|WRONGTYPE|FATAL|Error:)/);
        expect([code, code === 0 ? '' : output]).toEqual([0, '']);
        return;
      }
      const name = kind === 'js vitest' ? 'block.test.mjs' : 'block.mjs';
      writeFileSync(path.join(cwd, name), text);
      const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
      const args = {
        'js run': [name],
        'js test': ['--test', name],
        'js vitest': [vitest, 'run', '--root', cwd],
      }[kind];
      const { code, output } = await run(process.execPath, args, cwd);
      expect([code, code === 0 ? '' : output]).toEqual([0, '']);
    });
  }
});
