/** What is wrong with an RDB file, and where. */

export interface RdbFilePlace {
  /** The byte of the file at which reading stopped. */
  readonly offset: number;
  /** The database being read. */
  readonly database: number;
  /** The key being read, if one was. */
  readonly key?: Uint8Array;
  /** A word for the RDB type of its value. */
  readonly type?: string;
}

export class RdbFileError extends Error {
  override readonly name = 'RdbFileError';
  /** What is wrong, without the place. */
  readonly reason: string;
  readonly place: RdbFilePlace;

  constructor(reason: string, place: RdbFilePlace) {
    super(`${reason}, at byte ${place.offset}${keyText(place)}`);
    this.reason = reason;
    this.place = place;
  }
}

const KEY_TEXT_MAX = 200;

function keyText({ key, type, database }: RdbFilePlace): string {
  if (key === undefined) return '';
  const text = JSON.stringify(Buffer.from(key.subarray(0, KEY_TEXT_MAX)).toString('latin1'));
  const more = key.length > KEY_TEXT_MAX ? '...' : '';
  return ` (in key ${text}${more}, ${type ?? 'value'}, of database ${database})`;
}
