/** The recipes of docs/testing-with-respite.md, each a project with its own runner and the tarball. */
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../harness/respite.ts';
import { Project, pack } from './packed.ts';

const full = process.env['RESPITE_FULL'] === '1';
const note = full ? '' : ' [skipped: its runner comes from the registry; RESPITE_FULL=1 runs it]';
const recipes = path.join(root, 'test/packages/recipes');

const home = new Project();
let tarball: string;
beforeAll(() => {
  tarball = pack(root, home.dir);
});
afterAll(() => home.remove());

function projectOf(name: string): Project {
  const project = new Project();
  rmSync(path.join(project.dir, 'package.json'));
  cpSync(path.join(recipes, name), project.dir, { recursive: true });
  return project;
}

describe('recipes', () => {
  it.each(full ? ['vitest', 'node-test'] : ['vitest'])(
    '%s, with the packages of this tree',
    (name) => {
      const project = projectOf(name);
      const modules = path.join(project.dir, 'node_modules');
      mkdirSync(path.join(modules, 'respite'), { recursive: true });
      project.run(
        'tar',
        'xzf',
        tarball,
        '-C',
        path.join(modules, 'respite'),
        '--strip-components=1',
      );
      for (const used of ['vitest', 'ioredis', 'denque', 'commander']) {
        symlinkSync(path.join(root, 'node_modules', used), path.join(modules, used));
      }
      if (name === 'vitest') project.node('node_modules/vitest/vitest.mjs', 'run');
      else project.node('--test');
      project.remove();
    },
  );

  it.runIf(full).each(readdirSync(recipes))(`%s, as npm installs it${note}`, (name) => {
    const project = projectOf(name);
    project.npm('install', '--prefer-offline', tarball);
    expect(project.npm('test')).toBeDefined();
    project.remove();
  });
});
