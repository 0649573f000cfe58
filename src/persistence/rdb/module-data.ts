/**
 * Data of modules in RDB files. There are no modules here, but their data can be named, and passed
 * over by who only checks a file: it comes as a sequence of marked parts.
 *
 *     id of 64 bits: nine characters of six bits, then a version of ten bits
 *     parts: 1 signed, 2 unsigned: a length | 3: float | 4: double | 5: string | 0: the end
 */
import { badData } from './bad-data.ts';
import type { RdbInput } from './input.ts';

const PART_END = 0;
const PART_SIGNED = 1;
const PART_UNSIGNED = 2;
const PART_FLOAT = 3;
const PART_DOUBLE = 4;
const PART_STRING = 5;
const NAME_LENGTH = 9;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The name in a module's id. */
export function moduleName(id: number | bigint): string {
  let rest = BigInt(id) >> 10n;
  let name = '';
  for (let i = 0; i < NAME_LENGTH; i++) {
    name = ALPHABET[Number(rest & 63n)]! + name;
    rest >>= 6n;
  }
  return name;
}

export class ModuleData {
  private readonly input: RdbInput;

  constructor(input: RdbInput) {
    this.input = input;
  }

  /** Reads what comes before the parts of data that belong to no key; the module's name. */
  readAuxHeader(): string {
    const { input } = this;
    const name = moduleName(input.number());
    if (input.number() !== PART_UNSIGNED) throw badData;
    input.number();
    return name;
  }

  /** Passes a part over; true when it was the end. */
  readPart(): boolean {
    const { input } = this;
    const part = input.number();
    if (part === PART_END) return true;
    if (part === PART_SIGNED || part === PART_UNSIGNED) input.number();
    else if (part === PART_FLOAT) input.take(4);
    else if (part === PART_DOUBLE) input.take(8);
    else if (part === PART_STRING) input.string();
    else throw badData;
    return false;
  }
}
