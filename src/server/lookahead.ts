/**
 * Looks ahead in a pipeline: works out the hashes of its keys and members once, and fetches what
 * they will need from memory together rather than one after the other (docs/decisions/0003).
 */
import type { Command } from '../commands/command-table.ts';
import type { Db } from '../keyspace/db.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import type { Session } from '../session/session.ts';
import type { Args } from '../util/args.ts';
import { EMPTY_BYTES } from '../util/bytes.ts';

/** Keys looked at ahead at most: a batch of commands with several keys each. */
const HASHES_MAX = 512;

export class Lookahead {
  private readonly keyspace: Keyspace;
  /** Those of the keys; the batch's arguments refer to them. */
  private readonly hashes = new Int32Array(HASHES_MAX);
  private readonly memberHashes = new Int32Array(HASHES_MAX);
  private readonly scratch = new Int32Array(HASHES_MAX);
  private readonly roots = new Int32Array(HASHES_MAX);
  /** Kept only so that the loads have a use. */
  prefetched = 0;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /** Hashes the keys of the batch and fetches their table slots and entries. */
  fetch(
    batch: readonly Args[],
    commands: readonly (Command | undefined)[],
    count: number,
    session: Session,
  ): void {
    const { keyspace } = this;
    let n = 0;
    let readsMembers = false;
    // The key before: pipelines often name the same one again and again.
    let hash = 0;
    let last: Uint8Array = EMPTY_BYTES;
    let lastAt = 0;
    let lastLength = -1;
    for (let i = 0; i < count; i++) {
      const command = commands[i];
      if (command === undefined || command.firstKey === 0) continue;
      if (command.member !== undefined) readsMembers = true;
      const args = batch[i]!;
      for (let k = command.firstKey; k < args.argc && n < HASHES_MAX; k += command.keyStep) {
        const at = args.off[k]!;
        const length = args.len[k]!;
        const isSame =
          length === lastLength && args.buf === last && repeats(args.buf, lastAt, at, length);
        if (!isSame) {
          hash = keyspace.dict.hash(args.buf, at, length);
          last = args.buf;
          lastAt = at;
          lastLength = length;
        }
        // The places of further keys count, so they are noted even so.
        if (!isSame || k !== command.firstKey) this.hashes[n++] = hash;
        if (k === command.firstKey) {
          args.hashAt = k;
          args.hash = hash;
          args.hashes = this.hashes;
          args.hashBase = n;
          args.hashStep = command.keyStep;
        } else args.hashCount++;
        if (command.keyStep === 0) break;
      }
    }
    const db = keyspace.dbs[session.dbIndex]!;
    this.roots[0] = db.root;
    if (n > 1) {
      this.prefetched = keyspace.dict.prefetch(this.roots, true, this.hashes, n, this.scratch);
    }
    if (keyspace.changes.invalidations !== undefined) {
      this.prefetched ^= keyspace.changes.invalidations.prefetch(this.hashes, n);
    }
    if (readsMembers) this.fetchMembers(batch, commands, count, db);
  }

  /** The same for the fields and members that commands of the batch name. */
  private fetchMembers(
    batch: readonly Args[],
    commands: readonly (Command | undefined)[],
    count: number,
    db: Db,
  ): void {
    const { dict } = this.keyspace;
    let n = 0;
    let members = 0;
    let lastHash = 0;
    let lastLength = -1;
    for (let i = 0; i < count; i++) {
      const command = commands[i];
      if (command?.member === undefined) continue;
      const args = batch[i]!;
      const key = args.hashAt;
      const at = command.member < 0 ? args.argc - 1 : command.member;
      if (key < 0 || at >= args.argc) continue;
      // Often it is the same key again and again; a wrong guess costs nothing but its use.
      if (args.hash !== lastHash || args.len[key] !== lastLength) {
        lastHash = args.hash;
        lastLength = args.len[key]!;
        const entry = dict.find(db.root, args.hash, args.buf, args.off[key]!, lastLength);
        members = entry === 0 ? 0 : db.memberDict(entry);
      }
      if (members === 0 || at === 0) continue;
      const hash = dict.hash(args.buf, args.off[at]!, args.len[at]!);
      args.memberAt = at;
      args.memberHash = hash;
      this.roots[n] = members;
      this.memberHashes[n++] = hash;
    }
    if (n < 2) return;
    this.prefetched ^= dict.prefetch(this.roots, false, this.memberHashes, n, this.scratch);
  }
}

/** Whether what lies at two places is the same; from the end, where names differ if they do. */
function repeats(buf: Uint8Array, off: number, other: number, len: number): boolean {
  let i = len - 1;
  while (i >= 0 && buf[off + i] === buf[other + i]) i--;
  return i < 0;
}
