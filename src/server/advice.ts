/**
 * What to do about a server that does not start: one line for the person at the terminal, after
 * what redis-server would say.
 */
import { directives, directivesByName } from '../config/directives.ts';
import type { ConfigError } from '../config/errors.ts';
import type { ListenError } from '../net/listen-error.ts';
import { COMMANDS } from '../tools/names.ts';
import { splitWords } from '../util/words.ts';

/** Advice about a configuration that cannot be used. */
export function configAdvice({ reason, source }: ConfigError, argv: readonly string[]): string {
  if (source === undefined) return fileAdvice(reason, argv);
  const name =
    source.name === 'environment'
      ? source.text.slice('RESPITE_'.length, source.text.indexOf('=')).toLowerCase()
      : (splitWords(source.text)?.[0]?.toLowerCase() ?? '');
  const directive = directivesByName.get(name) ?? directivesByName.get(name.replaceAll('_', '-'));
  if (directive !== undefined) {
    const size = directive.type.startsWith('memory') ? ' A size is written 100mb or 2gb.' : '';
    return `${directive.name}: ${directive.doc}${size}`;
  }
  if (source.name === 'environment') return 'Correct or unset the variable.';
  const names = directives.flatMap((one) => [one.name, ...one.aliases]);
  const near = closest(name, names);
  const dashes = source.name === 'command line' ? '--' : '';
  const guess = near === undefined ? '' : `Did you mean ${dashes}${near}? `;
  return `${guess}docs/configuration.md lists all directives.`;
}

/** Advice about an address that cannot be had. */
export function listenAdvice({
  address,
  code,
  message,
  port = 0,
}: ListenError): string | undefined {
  if (code === 'EEXIST') return `${address} is a file with content: choose another path.`;
  if (code === 'EADDRINUSE' && address.startsWith('/')) {
    return `Something else is at ${address}: choose another path.`;
  }
  if (code === 'EADDRINUSE') {
    const other = port > 0 && port < 65535 ? port + 1 : 6380;
    return `Another program listens on ${address}: end it, or choose a port with --port ${other}.`;
  }
  if (code === 'EACCES' && port > 0 && port < 1024) {
    return `Ports below 1024 are for root: choose a higher one, for instance --port ${port + 6000}.`;
  }
  if (code === 'EADDRNOTAVAIL') {
    return `No interface of this machine has the address ${address}: correct the directive bind.`;
  }
  if (address.startsWith('/') && message.startsWith('No such file')) {
    return `Create the directory of ${address}, or choose another path.`;
  }
  if (address.startsWith('/') && code === 'EACCES') {
    return `Choose a path that this user may write to, instead of ${address}.`;
  }
  return undefined;
}

function fileAdvice(reason: string, argv: readonly string[]): string {
  const first = argv[0] ?? '';
  const command = /[./\\]/.test(first) ? undefined : closest(first, COMMANDS);
  if (reason.includes("can't open config file") && command !== undefined) {
    return `Did you mean "respite ${command}"? A word that is no command names a configuration file.`;
  }
  if (reason.includes("can't open config file")) {
    return 'Correct the path, or start without a file: respite --port 6379';
  }
  if (reason.includes('log file')) return 'Create its directory, or leave logfile empty.';
  return 'respite --help tells how to start.';
}

/** The word that differs from `word` in the fewest letters; undefined when all differ in many. */
export function closest(word: string, words: readonly string[]): string | undefined {
  const most = Math.max(1, Math.min(3, Math.floor(word.length / 3)));
  let best: string | undefined;
  let fewest = most + 1;
  for (const candidate of words) {
    if (Math.abs(candidate.length - word.length) >= fewest) continue;
    const changes = distance(word, candidate);
    if (changes < fewest) {
      fewest = changes;
      best = candidate;
    }
  }
  return best;
}

/** Letters to insert, remove, replace or swap with their neighbour. O(length squared). */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, rows[i - 2]![j - 2]! + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
