/**
 * What needs the registry: a fresh clone that npm installs, packs and hands on, and the same
 * tarball under every Node that npm has, and under Bun and Deno.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../harness/respite.ts';
import { Project, pack, run } from './packed.ts';

const full = process.env['RESPITE_FULL'] === '1';
const note = full ? '' : ' [skipped: asks the registry; RESPITE_FULL=1 runs it]';

const roundTrip = `
  const server = await createServer({ dir: '.' });
  const socket = connect(server.port, server.host);
  socket.write('SET a 1\\r\\nEVAL "return redis.call([[GET]],[[a]])" 0\\r\\nHSET h f v\\r\\n');
  let got = '';
  socket.on('data', (chunk) => { got += chunk; });
  const until = Date.now() + 10000;
  while (!got.includes(':1') && Date.now() < until) await new Promise((r) => setTimeout(r, 5));
  socket.destroy();
  await server.save();
  await server.close();
  const again = await createServer({ dir: '.' });
  await again.close();
  rmSync('dump.rdb');
  console.log(JSON.stringify(got));
`;
const expected = JSON.stringify('+OK\r\n$1\r\n1\r\n:1\r\n');
const head = `import { createServer } from 'respite'; import { connect } from 'node:net';
  import { rmSync } from 'node:fs';`;

describe.skipIf(!full)(`a fresh clone${note}`, () => {
  const home = new Project();
  let clone: string;
  afterAll(() => home.remove());

  beforeAll(() => {
    clone = path.join(home.dir, 'clone');
    run(home.dir, 'git', ['clone', '-q', root, clone]);
  });

  it('passes npm ci, which leaves it clean, and is packed with a build', () => {
    run(clone, 'npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']);
    run(clone, 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund']);
    expect(run(clone, 'git', ['status', '--porcelain'])).toBe('');
    const tarball = pack(clone, home.dir, false);
    const project = new Project();
    project.npm('install', '--prefer-offline', tarball);
    project.write('program.mjs', `${head}\n${roundTrip}`);
    expect(project.node('program.mjs').trim()).toBe(expected);
    expect(run(project.dir, 'npx', ['--offline', 'respite', '--version'])).toContain('respite v=');
    project.remove();
  });

  it('is packed where nothing is installed yet, as npm does with a git dependency', () => {
    const bare = path.join(home.dir, 'bare');
    run(home.dir, 'git', ['clone', '-q', root, bare]);
    const project = new Project();
    project.npm('install', '--prefer-offline', `git+file://${bare}`);
    project.write('program.mjs', `${head}\n${roundTrip}`);
    expect(project.node('program.mjs').trim()).toBe(expected);
    project.remove();
  });

  it('makes a site of the handbook, without a dead link', () => {
    const site = path.join(clone, 'site');
    run(site, 'npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']);
    run(site, 'npm', ['run', 'build']);
    expect(readFileSync(path.join(site, 'dist/index.html'), 'utf8')).toContain('<h1');
    expect(run(clone, 'git', ['status', '--porcelain'])).toBe('');
  });
});

describe.skipIf(!full)(`other runtimes${note}`, () => {
  const project = new Project();
  afterAll(() => project.remove());

  beforeAll(() => {
    const tarball = pack(root, project.dir);
    project.npm('install', '--prefer-offline', tarball);
    project.write('program.mjs', `${head}\n${roundTrip}`);
    project.write(
      'program.cjs',
      `const { createServer } = require('respite');
      const { connect } = require('node:net'); const { rmSync } = require('node:fs'); (async () => {${roundTrip}})();`,
    );
  });

  it.each(['20.20.2', '22', '24', '26'])('Node %s', (version) => {
    const dir = path.join(project.dir, `node-${version}`);
    mkdirSync(dir);
    run(dir, 'npm', ['init', '-y']);
    run(dir, 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `node@${version}`]);
    const node = path.join(dir, 'node_modules/.bin/node');
    expect(run(project.dir, node, ['program.mjs']).trim()).toBe(expected);
    expect(run(project.dir, node, ['program.cjs']).trim()).toBe(expected);
    const help = run(project.dir, node, ['node_modules/respite/dist/bin/respite.cjs', '--version']);
    expect(help).toContain('respite v=');
  });

  it.each(['bun', 'deno'])('%s', (runtime) => {
    const dir = path.join(project.dir, runtime);
    mkdirSync(dir);
    run(dir, 'npm', ['init', '-y']);
    run(dir, 'npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', runtime]);
    const args = runtime === 'deno' ? ['run', '-A', 'program.mjs'] : ['program.mjs'];
    const program = path.join(dir, 'node_modules/.bin', runtime);
    expect(run(project.dir, program, args).trim()).toBe(expected);
  });
});
