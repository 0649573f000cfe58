/**
 * What can be wrong with the bytes of a value, each an error made once and thrown without a stack:
 * whoever sends rubbish costs little. `reasonOf` says it in words for the log, some of them those
 * that users of redis-server look for there.
 */
import { RdbType } from './types.ts';

/** The bytes are no value. */
export class BadDataError extends Error {
  override readonly name = 'BadDataError';
}

/** An error without a stack, of what `make` makes. */
export function withoutStack<E extends Error>(make: () => E): E {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

const unsound = (reason: string) => withoutStack(() => new BadDataError(reason));

/** None of those below. */
export const badData: BadDataError = unsound('the bytes make no sense');
/** A collection without elements, which a file may hold and nobody can make. */
export const emptyValue: BadDataError = unsound('a collection without elements');
/** A listpack, intset, ziplist or zipmap whose lengths and numbers do not fit together. */
export const unsoundPack: BadDataError = unsound('integrity check failed');
/** A field or member that is there twice. */
export const repeated: BadDataError = unsound('an element is there twice');
export const repeatedInPack: BadDataError = unsound('integrity check failed');
export const noNumber: BadDataError = unsound('a score is no number');
export const noCompression: BadDataError = unsound('a compressed string cannot be unpacked');
/** Of streams. */
export const streamCounts: BadDataError = unsound('the counts of the stream are not its own');
export const repeatedGroup: BadDataError = unsound('Duplicate consumer group detected');
export const repeatedConsumer: BadDataError = unsound('Duplicate stream consumer detected');
export const repeatedPending: BadDataError = unsound('a pending entry is there twice');
export const strangePending: BadDataError = unsound(
  'a consumer has a pending entry that its group has not, or that is of another one',
);

const packNames: ReadonlyMap<number, string> = new Map([
  [RdbType.hashZipmap, 'Zipmap'],
  [RdbType.listZiplist, 'List ziplist'],
  [RdbType.setIntset, 'Intset'],
  [RdbType.zsetZiplist, 'Zset ziplist'],
  [RdbType.hashZiplist, 'Hash ziplist'],
  [RdbType.listQuicklist, 'Quicklist ziplist'],
  [RdbType.hashListpack, 'Hash listpack'],
  [RdbType.zsetListpack, 'Zset listpack'],
  [RdbType.listQuicklist2, 'Quicklist listpack'],
  [RdbType.setListpack, 'Set listpack'],
  [RdbType.hashListpackTtlOld, 'Hash listpack'],
  [RdbType.hashListpackTtl, 'Hash listpack'],
]);

/** What is wrong with a value of an RDB type, in words. */
export function reasonOf(error: BadDataError, type: number): string {
  if (error !== unsoundPack && error !== repeatedInPack) return error.message;
  const name = packNames.get(type) ?? 'Stream listpack';
  const more = error === repeatedInPack ? `: ${name.toLowerCase()} with dup elements` : '';
  return `${name} ${error.message}${more}`;
}
