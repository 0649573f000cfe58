/**
 * No command that writes is forgotten by the tests that stand on a table: its events (a line in
 * events-table.ts, or in events-additions.ts where redis-server 7.0.15 lacks it) and its effects (a
 * row of a generator of random commands).
 */
import { expect, it } from 'vitest';
import { allCommands } from '../../src/commands/registry.ts';
import { baseRows } from '../differential/generator.ts';
import { COLLECTIONS } from '../differential/generator-collections.ts';
import { commandOf, effectRows } from '../differential/generator-effects.ts';
import { additionEvents } from './events-additions.ts';
import { eventGroups } from './events-table.ts';

/** Commands that write, and their subcommands that do: `xgroup create`. */
const writing = allCommands.flatMap((spec) =>
  (spec.subcommands ?? [spec])
    .filter(({ flags }) => (flags as readonly string[]).includes('write'))
    .map(({ name }) => (spec.subcommands === undefined ? name : `${spec.name} ${name}`)),
);

/**
 * Commands whose effects are other commands': what they run has the lines and rows. MIGRATE's is a
 * DEL, once another server has answered: migrate.test.ts.
 */
const runOthers = /^(eval|evalsha|fcall|function|migrate) ?/;

it('every command that writes has a line in a table of events', () => {
  const lines = [
    ...Object.values(eventGroups).flatMap((table) => table.trim().split('\n')),
    ...additionEvents.map(([, command]) => command),
  ].map((line) => `${line.replace(/^B /, '').toLowerCase()} `);
  const missing = writing.filter(
    (name) => !runOthers.test(name) && !lines.some((line) => line.startsWith(`${name} `)),
  );
  expect(missing).toEqual([]);
});

it('every command that writes has a row in a generator of random commands', () => {
  const rows = [...baseRows, ...Object.values(COLLECTIONS).flat(), ...effectRows];
  const generated = new Set(rows.map(([, words]) => commandOf(words).toLowerCase()));
  const missing = writing.filter(
    (name) => !runOthers.test(name) && !generated.has(name.split(' ')[0]!),
  );
  expect(missing).toEqual([]);
});
