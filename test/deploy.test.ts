/**
 * The files in deploy/: what they name exists, what they ask for is understood. Kubernetes manifests
 * are held against the published schemas where these are installed: they weigh 33 MB, so
 * RESPITE_MANIFEST_TOOLS names a folder with `npm install kubernetes-models yaml`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Config } from '../src/config/config.ts';
import { directivesByName } from '../src/config/directives.ts';
import { root } from './harness/respite.ts';

const read = (name: string) => readFileSync(path.join(root, 'deploy', name), 'utf8');
const manifests = () => read('kubernetes/respite.yaml');

/** A block of a YAML file that is text, without its indentation. */
function textBlock(yaml: string, key: string): string {
  const [, indent = '', rest = ''] =
    new RegExp(`^( *)${key}: \\|\\n([\\s\\S]*)`, 'm').exec(yaml) ?? [];
  const deep = `${indent}  `;
  const lines = rest.split('\n');
  const end = lines.findIndex((line) => line !== '' && !line.startsWith(deep));
  return lines
    .slice(0, end)
    .map((line) => line.slice(deep.length))
    .join('\n');
}

/** Names of variables that must be directives. */
function variables(text: string): string[] {
  return [...text.matchAll(/\bRESPITE_[A-Z_]+\b/g)].map(([name]) => name);
}

function isDirective(variable: string): boolean {
  const name = variable
    .slice('RESPITE_'.length)
    .replace(/_FILE$/, '')
    .toLowerCase();
  return directivesByName.has(name.replaceAll('_', '-'));
}

it('every variable that they set is a directive', () => {
  const files = ['docker/Dockerfile', 'docker/compose.yaml', 'kubernetes/respite.yaml'];
  const all = files.flatMap((name) => variables(read(name)));
  expect(all.length).toBeGreaterThan(2);
  expect(all.filter((name) => !isDirective(name))).toEqual([]);
});

describe('kubernetes', () => {
  it('the configuration in the manifest loads, and nothing in it is without effect', () => {
    const config = new Config();
    const text = textBlock(manifests(), 'respite.conf');
    expect(text).toContain('appendonly yes');
    // /data is the volume.
    config.loadText(text.replace(/^dir .*$/m, ''), 'respite.conf');
    expect(config.withoutEffect()).toEqual([]);
  });

  it('what stops it has more time than what it waits for', () => {
    expect(Number(/terminationGracePeriodSeconds: (\d+)/.exec(manifests())?.[1])).toBeGreaterThan(
      30,
    );
  });

  it('the schemas of Kubernetes accept each document', ({ skip }) => {
    const tools = process.env['RESPITE_MANIFEST_TOOLS'];
    if (tools === undefined)
      skip('RESPITE_MANIFEST_TOOLS is not set: no schemas to hold them against');
    const load = createRequire(path.join(tools!, 'package.json'));
    const { parseAllDocuments } = load('yaml') as {
      parseAllDocuments(text: string): { errors: unknown[]; toJS(): Manifest }[];
    };
    const documents = parseAllDocuments(manifests());
    expect(documents.map(({ errors }) => errors)).toEqual(documents.map(() => []));
    const kinds = documents.map((document) => {
      const manifest = document.toJS();
      const models = load(`kubernetes-models/${manifest.apiVersion}`) as Record<string, Model>;
      new models[manifest.kind]!(manifest).validate();
      return manifest.kind;
    });
    expect(kinds).toEqual([
      'ConfigMap',
      'Service',
      'Service',
      'StatefulSet',
      'PodDisruptionBudget',
    ]);
    const broken = documents[3]!.toJS();
    (broken as unknown as { spec: { replicas: unknown } }).spec.replicas = 'one';
    const { StatefulSet } = load('kubernetes-models/apps/v1') as Record<string, Model>;
    expect(() => new StatefulSet!(broken).validate()).toThrow(/replicas/);
  });
});

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
}
type Model = new (manifest: Manifest) => { validate(): void };

describe('systemd', () => {
  it('systemd-analyze finds nothing wrong with the unit', ({ skip }) => {
    const unit = path.join(root, 'deploy/systemd/respite.service');
    const { error, status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], {
      encoding: 'utf8',
    });
    if (error !== undefined) skip('no systemd-analyze on the PATH');
    expect(stderr.split('\n').filter((line) => line.includes('respite.service'))).toEqual([]);
    expect(status).toBe(0);
  });

  it('the command line of the unit is understood', () => {
    const line = /^ExecStart=\/usr\/bin\/env respite (.*)$/m.exec(
      read('systemd/respite.service'),
    )?.[1];
    const words = line!.split(' ').slice(1);
    const config = new Config();
    const known = words.filter((_, i) => words[i - 1] !== '--dir' && words[i] !== '--dir');
    config.loadArgs(known);
    expect(config.string('supervised')).toBe('systemd');
  });
});

it('docker: what the image is made of is there, and nobody is root in it', () => {
  const text = read('docker/Dockerfile');
  const copied = [...text.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names]) =>
    names!.split(' '),
  );
  expect(copied.filter((name) => !existsSync(path.join(root, name)))).toEqual([]);
  const stage = text.slice(text.lastIndexOf('FROM '));
  expect(stage.indexOf('USER node')).toBeGreaterThan(stage.indexOf('RUN ln'));
  expect(stage).toContain('HEALTHCHECK');
  expect(read('docker/compose.yaml')).toContain('127.0.0.1:6379:6379');
});
