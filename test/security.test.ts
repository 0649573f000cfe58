/** docs/security.md: each case in it names a test, and that test is there. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { root } from './harness/respite.ts';

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

const rows = rowsOf(readFileSync(path.join(root, 'docs/security.md'), 'utf8'));

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
