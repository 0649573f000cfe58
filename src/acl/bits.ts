/**
 * Sets of small numbers: 32 to a word.
 */

export function hasBit(bits: Int32Array, id: number): boolean {
  return ((bits[id >>> 5]! >>> (id & 31)) & 1) !== 0;
}

export function setBit(bits: Int32Array, id: number, value: boolean): void {
  const mask = 1 << (id & 31);
  if (value) bits[id >>> 5]! |= mask;
  else bits[id >>> 5]! &= ~mask;
}
