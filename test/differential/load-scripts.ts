/** The scripts of test/differential/scripts, parsed. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseScript, type Script } from '../harness/script.ts';

const folder = path.join(import.meta.dirname, 'scripts');

export const scripts: readonly Script[] = readdirSync(folder)
  .filter((file) => file.endsWith('.txt'))
  .sort()
  .map((file) => parseScript(file.slice(0, -4), readFileSync(path.join(folder, file), 'utf8')));
