/**
 * The ACL categories of a command, derived from its group and flags as Redis derives them.
 */
import { categoryNames } from '../acl/category-names.ts';
import type { CommandGroup, Spec } from './facts.ts';

const ofGroup: Readonly<Partial<Record<CommandGroup, string>>> = {
  string: 'string',
  generic: 'keyspace',
  list: 'list',
  set: 'set',
  'sorted-set': 'sortedset',
  hash: 'hash',
  bitmap: 'bitmap',
  hyperloglog: 'hyperloglog',
  geo: 'geo',
  stream: 'stream',
  connection: 'connection',
  pubsub: 'pubsub',
  transactions: 'transaction',
  scripting: 'scripting',
};

/** Names without the `@`, each once. One that the spec gives as `-name` is not the command's. */
export function categoriesOf(spec: Spec): string[] {
  const { flags } = spec;
  const found = new Set<string>(spec.categories ?? []);
  // A container has no category of its own group, only its subcommands have.
  const group = spec.subcommands !== undefined && spec.run === undefined ? undefined : spec.group;
  const category = group === undefined ? undefined : ofGroup[group];
  if (category !== undefined) found.add(category);
  if (flags.includes('write')) found.add('write');
  if (flags.includes('readonly') && group !== 'scripting') found.add('read');
  if (flags.includes('admin')) found.add('admin').add('dangerous');
  if (flags.includes('pubsub')) found.add('pubsub');
  if (flags.includes('blocking')) found.add('blocking');
  found.add(flags.includes('fast') ? 'fast' : 'slow');
  return categoryNames.filter((name) => found.has(name) && !found.has(`-${name}`));
}
