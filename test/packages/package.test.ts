/** The tarball of this tree, installed where nothing else is: both module systems, types, command. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../harness/respite.ts';
import { Project, pack, run } from './packed.ts';

const full = process.env['RESPITE_FULL'] === '1';
const note = full ? '' : ' [skipped: two seconds of TypeScript; RESPITE_FULL=1 runs it]';

const project = new Project();
let tarball: string;

beforeAll(() => {
  tarball = pack(root, project.dir);
  project.installOffline(tarball);
}, 60_000);
afterAll(() => project.remove());

const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const installed = (name: string) => path.join(project.dir, 'node_modules/respite', name);

/** Starts a server, talks to it without a client library, closes it. */
const program = `
  const server = await createServer();
  const socket = connect(server.port, server.host);
  socket.write('EVAL "return {KEYS[1],redis.call([[SET]],KEYS[1],1)}" 1 k\\r\\nSAVE\\r\\n');
  let got = '';
  for await (const chunk of socket) {
    got += chunk;
    if (got.split('\\r\\n').length > 5) break;
  }
  console.log(JSON.stringify(got));
  await server.close();
`;
const reply = JSON.stringify('*2\r\n$1\r\nk\r\n+OK\r\n+OK\r\n');

describe('the package', () => {
  it('is imported, with Lua and the disk', () => {
    const head = `import { createServer } from 'respite'; import { connect } from 'node:net';`;
    project.write('program.mjs', `${head}\n${program}`);
    expect(project.node('program.mjs').trim()).toBe(reply);
  });

  it('is required', () => {
    const head = `const { createServer } = require('respite'); const { connect } = require('node:net');`;
    project.write('program.cjs', `${head}\n(async () => {${program}})();`);
    expect(project.node('program.cjs').trim()).toBe(reply);
  });

  it('saves in a thread from either bundle', () => {
    const text = `
      const server = await createServer({ dir: '.' });
      await server.save();
      await server.close();
      console.log(readdirSync('.').includes('dump.rdb'));`;
    project.write(
      'save.cjs',
      `const { createServer } = require('respite');
      const { readdirSync, rmSync } = require('node:fs');
      (async () => {${text}; rmSync('dump.rdb');})();`,
    );
    project.write(
      'save.mjs',
      `import { createServer } from 'respite';
      import { readdirSync } from 'node:fs'; ${text}`,
    );
    expect(project.node('save.cjs').trim()).toBe('true');
    expect(project.node('save.mjs').trim()).toBe('true');
  });

  it('has its command', () => {
    const npx = run(project.dir, 'npx', ['--offline', 'respite', '--version']);
    expect(npx.trim()).toBe(`respite v=${manifest.version} bits=64`);
    expect(project.node(installed('dist/bin/respite.cjs'), '--help')).toContain('Usage: respite');
    expect(() =>
      project.node(installed('dist/bin/respite.cjs'), 'check', 'rdb', 'nothing'),
    ).toThrow();
  });

  it('has no map of what is not in it, and nothing of the build', () => {
    const list = run(project.dir, 'tar', ['tzf', tarball]).split('\n');
    expect(
      list.filter((name) => /\.map$|\.stamp|\.code-|\.ts$/.test(name) && !/\.d\.c?ts$/.test(name)),
    ).toEqual([]);
    expect(list.length).toBeLessThan(200);
    expect(readFileSync(installed('dist/esm/index.js'), 'utf8')).not.toContain('sourceMappingURL');
  });

  it('is ASCII: one other character would double what V8 keeps of a file', () => {
    for (const directory of ['dist/esm', 'dist/cjs', 'dist/bin']) {
      for (const name of readdirSync(installed(directory))) {
        if (!/\.c?js$/.test(name)) continue;
        const bytes = readFileSync(path.join(installed(directory), name));
        expect({ name, odd: bytes.some((byte) => byte > 127) }).toEqual({ name, odd: false });
      }
    }
  });

  it('passes publint', async () => {
    const { messages } = await publint({ pkgDir: installed(''), strict: true });
    const serious = messages.filter(({ type }) => type !== 'suggestion');
    expect(serious.map((message) => formatMessage(message, manifest))).toEqual([]);
  });

  it.runIf(full)(`passes arethetypeswrong: everyone finds their types${note}`, async () => {
    const data = createPackageFromTarballData(new Uint8Array(readFileSync(tarball)));
    const result = await checkPackage(data);
    if (result.types === false) throw new Error('no types');
    // Only TypeScript before 5 looks for the parts (`respite/resp`) by their paths; vitest itself is
    // only there for importers.
    const problems = result.problems.filter((problem) => {
      if (!('resolutionKind' in problem)) return true;
      const { entrypoint, resolutionKind } = problem;
      return resolutionKind !== 'node10' && !entrypoint.startsWith('./vitest');
    });
    expect(problems).toEqual([]);
  });
});
