/**
 * Names of the fields of a hash that were changed since it was opened, by what became of them. A
 * cursor keeps one only while somebody wants to be told (subkey notifications of Redis 8.8).
 */
import { latin1 } from '../util/latin1.ts';

export type FieldChange = 'set' | 'deleted' | 'timed' | 'persisted' | 'expired';

export class FieldLog {
  private readonly names: Record<FieldChange, string[]> = {
    set: [],
    deleted: [],
    timed: [],
    persisted: [],
    expired: [],
  };
  private isEmpty = true;

  /** Notes a field, copied; one that is changed twice is noted twice. */
  add(change: FieldChange, buf: Uint8Array, off: number, len: number): void {
    this.names[change].push(latin1(buf, off, len));
    this.isEmpty = false;
  }

  /** The fields of this change, as latin1 text in order, which are forgotten by this. */
  take(change: FieldChange): readonly string[] {
    const taken = this.names[change];
    if (taken.length > 0) this.names[change] = [];
    return taken;
  }

  clear(): void {
    if (this.isEmpty) return;
    for (const list of Object.values(this.names)) list.length = 0;
    this.isEmpty = true;
  }
}
