/**
 * From a selector's bits back to rules: categories that fit well first, then what is left one by
 * one. The same search as redis-server 7.0.15's: of all categories with more commands that should
 * be changed than not, the one with the fewest that should not, and then the most that should.
 * Only commands of 7.0.15 are counted, so that both come to the same categories.
 */
import { hasBit, setBit } from './bits.ts';
import type { Catalogue, RuleCommand } from './catalogue.ts';
import { categoryNames } from './category-names.ts';

function setWithChildren(bits: Int32Array, command: RuleCommand, value: boolean): void {
  setBit(bits, command.id, value);
  for (const child of command.children) setBit(bits, child.id, value);
}

/**
 * The rules, in words. `future` tells whether commands to come are allowed, `firstArgs` with which
 * first arguments commands may be run that may not be run otherwise. O(commands * categories).
 */
export function describeCommands(
  bits: Int32Array,
  future: boolean,
  firstArgs: ReadonlyMap<number, readonly string[]>,
  catalogue: Catalogue,
): string {
  const adding = !future;
  const words = [adding ? '-@all' : '+@all'];
  // What the words so far amount to, and which bits they have not dealt with yet.
  const described = new Int32Array(bits.length).fill(adding ? 0 : -1);
  const left = bits.slice();
  const free = new Set(categoryNames);
  for (;;) {
    const name = bestCategory(left, adding, free, catalogue);
    if (name === undefined) break;
    for (const command of catalogue.category(name) ?? []) {
      setWithChildren(described, command, adding);
      setWithChildren(left, command, !adding);
    }
    free.delete(name);
    words.push(`${adding ? '+' : '-'}@${name}`);
  }
  for (const command of catalogue.commands) {
    const { fullName, id } = command;
    const wanted = hasBit(bits, id);
    if (wanted !== hasBit(described, id)) {
      words.push(`${wanted ? '+' : '-'}${fullName}`);
      setWithChildren(described, command, wanted);
    }
    if (wanted) continue;
    for (const word of firstArgs.get(id) ?? []) words.push(`+${fullName}|${word}`);
  }
  return words.join(' ');
}

function bestCategory(
  bits: Int32Array,
  adding: boolean,
  free: ReadonlySet<string>,
  catalogue: Catalogue,
): string | undefined {
  let best: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  let most = 0;
  for (const name of free) {
    let wrong = 0;
    let right = 0;
    for (const { id, isOfRedis7 } of catalogue.category(name) ?? []) {
      if (!isOfRedis7) continue;
      if (hasBit(bits, id) === adding) right++;
      else wrong++;
    }
    if (right <= wrong) continue;
    if (wrong < fewest || (wrong === fewest && right > most)) {
      best = name;
      fewest = wrong;
      most = right;
    }
  }
  return best;
}
