/**
 * Numbers of the RDB format: they are on disk and in payloads, so none may ever change.
 */

/** Newest version that we read; 14 is redis 8.8's. */
export const RDB_VERSION_MAX = 14;
/** What we write: redis 7.0's, so that it can load it. */
export const RDB_VERSION = 10;
/** redis 7.2: sets as listpacks, the time a consumer was active. */
export const RDB_VERSION_ACTIVE = 11;
/** redis 7.4: hashes with fields that have a time to live. */
export const RDB_VERSION_FIELD_TTL = 12;
/** redis 8.6: streams that remember producers (XADD IDMP). */
export const RDB_VERSION_PRODUCERS = 13;
/** redis 8.8: streams with released pending entries (XNACK). */
export const RDB_VERSION_RELEASED = 14;
/** First version with a checksum at the end. */
export const RDB_VERSION_CHECKSUM = 5;
/** What a file begins with; four digits of its version follow. */
export const RDB_MAGIC = 'REDIS';

/** How a value is laid out, by the byte in front of it. */
export const RdbType = {
  string: 0,
  list: 1,
  set: 2,
  /** Scores as text. */
  zsetText: 3,
  hash: 4,
  zset: 5,
  /** Of a module before redis 4.0 was released; nobody reads it. */
  moduleOld: 6,
  module: 7,
  hashZipmap: 9,
  listZiplist: 10,
  setIntset: 11,
  zsetZiplist: 12,
  hashZiplist: 13,
  listQuicklist: 14,
  stream: 15,
  hashListpack: 16,
  zsetListpack: 17,
  listQuicklist2: 18,
  /** With the first and the greatest deleted id, and entries counted for groups; redis 7.0. */
  stream2: 19,
  /** redis 7.2. */
  setListpack: 20,
  /** With the time a consumer was active; redis 7.2. */
  stream3: 21,
  /** Fields with a time to live, without the earliest in front; candidates of redis 7.4. */
  hashTtlOld: 22,
  hashListpackTtlOld: 23,
  /** Fields with a time to live; redis 7.4. */
  hashTtl: 24,
  hashListpackTtl: 25,
  /** With producers; redis 8.6. */
  stream4: 26,
  /** With the order of released pending entries; redis 8.8. */
  stream5: 27,
} as const;

/** What stands in the place of a type and is none. */
export const Opcode = {
  /** Data of modules about a key; redis 8.6. */
  keyMeta: 243,
  /** Keys of a cluster's slot: a hint for sizes; redis 7.4. */
  slotInfo: 244,
  function2: 245,
  /** Of the candidates of redis 7.0. */
  functionOld: 246,
  moduleAux: 247,
  idle: 248,
  frequency: 249,
  aux: 250,
  resizeDb: 251,
  expireMs: 252,
  expireSeconds: 253,
  selectDb: 254,
  end: 255,
} as const;

const typeNames: ReadonlyMap<number, string> = new Map(
  Object.entries(RdbType).map(([name, type]) => [type, name]),
);

/** A word for a type, for messages: the name above, or its number. */
export function rdbTypeName(type: number): string {
  return typeNames.get(type) ?? `type ${type}`;
}

/** Top two bits of a length's first byte. */
export const LENGTH_6 = 0;
export const LENGTH_14 = 0x40;
export const LENGTH_SPECIAL = 0xc0;
/** Whole first bytes. */
export const LENGTH_32 = 0x80;
export const LENGTH_64 = 0x81;
export const INT_8 = 0xc0;
export const INT_16 = 0xc1;
export const INT_32 = 0xc2;
export const LZF = 0xc3;

/** Containers of a node of `listQuicklist2`. */
export const NODE_PLAIN = 1;
export const NODE_PACKED = 2;
