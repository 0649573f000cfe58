/**
 * What we say of our commands against what the oracle says of its own: COMMAND INFO of every
 * command and subcommand that both have.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Connection } from '../harness/connection.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import type { Reply } from '../harness/reply.ts';
import { startRespite } from '../harness/respite.ts';
import type { ServerProcess } from '../harness/server-process.ts';
import { allowedCommandInfo } from './allowed-differences.ts';

type Plain = string | number | null | Plain[] | { [name: string]: Plain };

/** Fields of one entry of COMMAND INFO, by position. */
const FIELDS = [
  ...['name', 'arity', 'flags', 'first key', 'last key', 'step', 'ACL categories', 'tips'],
  ...['key specifications', 'subcommands'],
];
/** Lists whose order Redis leaves open. */
const SETS = new Set(['flags', 'ACL categories', 'tips']);

describeWithOracle('COMMAND INFO', () => {
  const servers: ServerProcess[] = [];
  let ours: Connection;
  let oracle: Connection;

  beforeAll(async () => {
    servers.push(...(await Promise.all([startRespite(), startOracle()])));
    [ours, oracle] = (await Promise.all(servers.map((server) => server.connect()))) as [
      Connection,
      Connection,
    ];
    await Promise.all([ours.call('HELLO', '3'), oracle.call('HELLO', '3')]);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop('SIGKILL')));
  });

  it('says of every command what the oracle says', async () => {
    const names = strings(plain(await ours.call('COMMAND', 'LIST'))).filter(
      (name) => !name.includes('|'),
    );
    expect(names.length).toBeGreaterThan(50);
    const used = new Set<string>();
    const differences: string[] = [];
    for (const name of names) {
      const [mine, theirs] = await Promise.all([info(ours, name), info(oracle, name)]);
      if (theirs === undefined) continue;
      differences.push(...compare(name, mine, theirs, used));
    }
    expect(differences).toEqual([]);
    expect(Object.keys(allowedCommandInfo).filter((key) => !used.has(key))).toEqual([]);
  });
});

function compare(
  name: string,
  mine: readonly Plain[] | undefined,
  theirs: readonly Plain[],
  used: Set<string>,
): string[] {
  if (mine === undefined) return [`${name}: listed, but COMMAND INFO knows it not`];
  return FIELDS.flatMap((field, i) => {
    if (field === 'subcommands') return compareSubcommands(mine[i], theirs[i], used);
    const [a, b] = [mine[i]!, theirs[i]!].map((value) => canonical(value, SETS.has(field)));
    if (a === b) return [];
    const key = `${name}: ${field}`;
    used.add(key);
    return key in allowedCommandInfo ? [] : [`${key}: ours ${a}, oracle ${b}`];
  });
}

/** Subcommands that only one of the two has are for docs/compatibility.md. */
function compareSubcommands(
  mine: Plain | undefined,
  theirs: Plain | undefined,
  used: Set<string>,
): string[] {
  const entries = (list: Plain | undefined) =>
    new Map((list as Plain[][] | undefined)?.map((entry) => [String(entry[0]), entry]));
  const known = entries(theirs);
  return [...entries(mine)].flatMap(([name, entry]) => {
    const other = known.get(name);
    return other === undefined ? [] : compare(name, entry, other, used);
  });
}

async function info(connection: Connection, name: string): Promise<Plain[] | undefined> {
  const reply = plain(await connection.call('COMMAND', 'INFO', name));
  const entry = Array.isArray(reply) ? reply[0] : undefined;
  return Array.isArray(entry) ? entry : undefined;
}

function canonical(value: Plain, isSet: boolean): string {
  if (isSet && Array.isArray(value)) return JSON.stringify([...value].sort());
  return JSON.stringify(value);
}

function strings(value: Plain): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** A reply as a JSON value; sets and the keys of maps are sorted. */
function plain(reply: Reply): Plain {
  if ('bytes' in reply) {
    const text = reply.bytes.toString('latin1');
    if (reply.kind === 'error') throw new Error(text);
    if (reply.kind === 'verbatim') return text.slice(4);
    return reply.kind === 'integer' ? Number(text) : text;
  }
  if (!('items' in reply)) return null;
  const items = reply.items.map(plain);
  if (reply.kind === 'set') {
    return items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (reply.kind !== 'map') return items;
  // `notes` of a key specification are prose; ours has words of its own.
  const pairs = items
    .flatMap((item, i) => (i % 2 === 0 ? [[String(item), items[i + 1]!]] : []))
    .filter(([name]) => name !== 'notes');
  return Object.fromEntries((pairs as [string, Plain][]).sort(([a], [b]) => (a < b ? -1 : 1)));
}
