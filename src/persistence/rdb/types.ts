/**
 * Numbers of the RDB format: they are on disk and in payloads, so none may ever change.
 */

/** Newest version whose values we read; 12 is redis 7.4's. */
export const RDB_VERSION_MAX = 12;
/** What we write: redis 7.0's, so that it can load it. */
export const RDB_VERSION = 10;
/** What we write when a hash has fields with a time to live, which no earlier version knows. */
export const RDB_VERSION_FIELD_TTL = 12;

/** How a value is laid out, by the byte in front of it. */
export const RdbType = {
  string: 0,
  list: 1,
  set: 2,
  /** Scores as text. */
  zsetText: 3,
  hash: 4,
  zset: 5,
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
  /** Fields with a time to live; redis 7.4. */
  hashTtl: 24,
  hashListpackTtl: 25,
} as const;

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
