/** Writes data that a program describes: as commands, so that all that follows a change follows. */
import type { CommandArgument } from './local-types.ts';
import type { Scalar, Seed, SeedKeys, SeedValue, StreamEntry } from './state-types.ts';

type Line = readonly [name: string, ...args: CommandArgument[]];

/** Runs a command; rejects with its error. */
export type Run = (name: string, ...args: CommandArgument[]) => Promise<unknown>;

const typeNames = ['string', 'hash', 'list', 'set', 'zset', 'stream'] as const;
type TypeName = (typeof typeNames)[number];
const facts = new Set(['ttl', 'expiresAt', 'fieldTtl', 'fieldExpiresAt', 'groups']);
/** Elements of one command. */
const BATCH = 1000;

/** Writes all keys; those that are there are replaced. Rejects with what is wrong with a value. */
export async function writeSeed(seed: Seed, run: Run): Promise<void> {
  for (const [db, keys] of databasesOf(seed)) {
    await run('SELECT', db);
    for (const [key, value] of Object.entries(keys)) {
      for (const line of linesOf(key, value)) await run(...line);
    }
  }
}

function databasesOf(seed: Seed): [db: string, keys: SeedKeys][] {
  const names = Object.keys(seed);
  const { db } = seed as { db?: unknown };
  if (names.length !== 1 || !isObject(db) || !Object.keys(db).every((n) => /^\d+$/.test(n))) {
    return [['0', seed as SeedKeys]];
  }
  return Object.entries(db as Record<string, SeedKeys>);
}

function linesOf(key: string, given: SeedValue): Line[] {
  const { type, value, more } = typed(key, given);
  const lines: Line[] = [['DEL', key], ...valueLines(type, key, value)];
  const { expiresAt, fieldExpiresAt, fieldTtl, groups, ttl } = more;
  for (const [field, seconds] of Object.entries((fieldTtl ?? {}) as Record<string, number>)) {
    const ms = Math.round(seconds * 1000);
    lines.push(['HPEXPIRE', key, ms, 'FIELDS', 1, field]);
  }
  for (const [field, at] of Object.entries((fieldExpiresAt ?? {}) as Record<string, number>)) {
    lines.push(['HPEXPIREAT', key, at, 'FIELDS', 1, field]);
  }
  for (const [group, id] of Object.entries((groups ?? {}) as Record<string, string>)) {
    lines.push(['XGROUP', 'CREATE', key, group, id, 'MKSTREAM']);
  }
  if (ttl !== undefined) lines.push(['PEXPIRE', key, Math.round(Number(ttl) * 1000)]);
  if (expiresAt !== undefined) lines.push(['PEXPIREAT', key, Number(expiresAt)]);
  return lines;
}

interface Typed {
  readonly type: TypeName;
  readonly value: unknown;
  readonly more: Readonly<Record<string, unknown>>;
}

function typed(key: string, given: SeedValue): Typed {
  const more = {};
  if (isScalar(given)) return { type: 'string', value: given, more };
  if (Array.isArray(given)) return { type: 'list', value: given, more };
  if (given instanceof Set) return { type: 'set', value: [...given], more };
  if (given instanceof Map) return { type: 'zset', value: Object.fromEntries(given), more };
  if (!isObject(given)) throw new TypeError(`seed: '${key}' has no value that is a key's`);
  const names = Object.keys(given);
  const type = typeNames.find((name) => names.includes(name) && hasForm(name, given[name]));
  const rest = names.filter((name) => name !== type);
  if (type === undefined || !rest.every((name) => facts.has(name))) {
    return { type: 'hash', value: given, more };
  }
  return { type, value: given[type], more: given };
}

/** Whether a value may be that of a type: else its name is a field of a hash. */
function hasForm(type: TypeName, value: unknown): boolean {
  if (type === 'string') return isScalar(value);
  if (type === 'hash' || type === 'zset') return isObject(value);
  return Array.isArray(value);
}

function valueLines(type: TypeName, key: string, value: unknown): Line[] {
  switch (type) {
    case 'string':
      return [['SET', key, value as Scalar]];
    case 'list':
      return batches('RPUSH', key, value as Scalar[], 1);
    case 'set':
      return batches('SADD', key, value as Scalar[], 1);
    case 'hash':
      return batches('HSET', key, Object.entries(value as Record<string, Scalar>).flat(), 2);
    case 'zset': {
      const pairs = Object.entries(value as Record<string, number>);
      return batches(
        'ZADD',
        key,
        pairs.flatMap(([member, score]) => [score, member]),
        2,
      );
    }
    case 'stream':
      return (value as StreamEntry[]).map(({ id = '*', fields }) => [
        'XADD',
        key,
        id,
        ...Object.entries(fields).flat(),
      ]);
  }
}

function batches(name: string, key: string, args: readonly Scalar[], step: number): Line[] {
  const lines: Line[] = [];
  for (let at = 0; at < args.length; at += BATCH * step) {
    lines.push([name, key, ...args.slice(at, at + BATCH * step)]);
  }
  return lines;
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
