/**
 * docs/security.md: each case in it names a test, and that test is there; its tables of what single
 * connections try are those of test/security. RESPITE_WRITE_DOCS=1 writes these tables.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { root } from './harness/respite.ts';
import { cases } from './security/cases.ts';
import { names, patternPlaces, patterns, places } from './security/names.ts';

const file = path.join(root, 'docs/security.md');
/** Between these lines of the document stand the tables that are made here. */
const from = '<!-- from test/security; RESPITE_WRITE_DOCS=1 vitest run test/security.test.ts -->';
const to = '<!-- to here -->';

interface Row {
  readonly id: string;
  readonly file: string;
  /** Part of the test's name; empty where the whole file is meant. */
  readonly name: string;
}

function rowsOf(text: string): Row[] {
  return text
    .split('\n')
    .filter((line) => /^\| [a-z]+-\d+ \|/.test(line))
    .map((line) => {
      const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
      const [, id = '', , , test = ''] = cells;
      const [file = '', name = ''] = test.split(/: (.*)/);
      return { id, file, name };
    });
}

/** A text as one cell of a table. */
function cell(text: string): string {
  const plain = [...text].map((char) => (char < ' ' || char > '~' ? '.' : char)).join('');
  const short = plain.length > 110 ? `${plain.slice(0, 100)}...` : plain;
  return short.replaceAll('|', '\\|').replaceAll('`', "'");
}

/** The tables of single connections. */
function madeTables(): string {
  const head = '| id | attack or rule | what happens | test |\n|----|----|----|----|';
  const one = cases.map(({ id, what, outcome, reference, locked }) => {
    const where = locked === true ? ', no password given' : '';
    const other = reference === undefined ? '' : ` (redis-server: \`${cell(reference)}\`)`;
    return `| ${id} | ${what}${where} | \`${cell(outcome)}\`${other} | test/security/cases.test.ts |`;
  });
  const named = places.map(
    ({ id, what }) =>
      `| ${id} | ${names.length} names such as \`__proto__\` as ${what} | data like any other | ` +
      'test/security/names.test.ts |',
  );
  const matched = patternPlaces.map(
    ({ id, what }) =>
      `| ${id} | ${what}: ${patterns.map(([pattern]) => pattern).join(', ')} | ` +
      'an answer at once | test/security/names.test.ts |',
  );
  return [head, ...one, ...named, ...matched].join('\n');
}

const text = readFileSync(file, 'utf8');
const rows = rowsOf(text);

it('the tables of test/security are in the document', () => {
  const [before = '', rest = ''] = text.split(from);
  const after = rest.split(to)[1] ?? '';
  const wanted = `${before}${from}\n\n${madeTables()}\n\n${to}${after}`;
  if (process.env['RESPITE_WRITE_DOCS'] === '1') writeFileSync(file, wanted);
  else expect(text).toBe(wanted);
});

it('there are enough cases', () => {
  expect(rows.length).toBeGreaterThan(240);
});

it('every case has its own id and names a test that is there', () => {
  const texts = new Map<string, string>();
  const missing = rows.filter(({ file, name }) => {
    try {
      const text = texts.get(file) ?? readFileSync(path.join(root, file), 'utf8');
      texts.set(file, text);
      return !text.includes(name);
    } catch {
      return true;
    }
  });
  expect(missing).toEqual([]);
  const ids = rows.map(({ id }) => id);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
});
