/** temporary */
export function xxh3Hex(_b: Uint8Array, _o: number, _l: number): string {
  return '';
}
