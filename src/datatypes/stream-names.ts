/**
 * Blocks by name: a dict that a word of an owner's block names, made with the first block and gone
 * with the last one. An entry's key is the name, its second word the block. Streams keep groups,
 * consumers and producers so.
 */
import type { Arena, Ref } from '../memory/arena.ts';
import type { Dict } from '../memory/dict.ts';
import { PackedTexts } from '../util/packed-texts.ts';
import { byteOrder } from '../util/text-order.ts';
import { locateMember, newMember, TextRegister } from './members.ts';
import type { Text, Tools } from './value.ts';

export class NamedBlocks {
  private readonly arena: Arena;
  private readonly dict: Dict;
  private readonly text = new TextRegister();

  constructor(tools: Tools) {
    this.arena = tools.arena;
    this.dict = tools.dict;
  }

  /** Number of blocks. O(1). */
  size(owner: Ref, word: number): number {
    const root = this.word(owner, word);
    return root === 0 ? 0 : this.dict.size(root);
  }

  /** The block with a name, or 0. O(1). */
  find(owner: Ref, word: number, buf: Uint8Array, off: number, len: number): Ref {
    const root = this.word(owner, word);
    if (root === 0) return 0;
    const entry = this.dict.find(root, this.dict.hash(buf, off, len), buf, off, len);
    return entry === 0 ? 0 : this.word(entry, 1);
  }

  /** Adds a block under a name that none has; returns the entry, which holds the name. O(1). */
  add(owner: Ref, word: number, buf: Uint8Array, off: number, len: number, block: Ref): Ref {
    const { dict } = this;
    if (this.word(owner, word) === 0) {
      const root = dict.create();
      this.arena.touch(owner);
      this.setWord(owner, word, root);
    }
    const entry = newMember(this.arena, buf, off, len, false, 0);
    this.setWord(entry, 1, block);
    dict.insert(this.word(owner, word), dict.hash(buf, off, len), entry);
    return entry;
  }

  /** Removes an entry, not its block. O(1). */
  remove(owner: Ref, word: number, entry: Ref): void {
    const { dict } = this;
    const root = this.word(owner, word);
    if (root === 0) return;
    dict.unlinkEntry(root, dict.hashOfEntry(entry), entry);
    this.arena.free(entry);
    if (dict.size(root) === 0) this.drop(owner, word, root);
  }

  /** An entry's name, a view until the next operation. */
  name(entry: Ref): Text {
    locateMember(this.arena, entry, this.text);
    return this.text;
  }

  /** All blocks in the order of their names. O(n) as a rule, O(n log n) where names are alike. */
  list(owner: Ref, word: number): Ref[] {
    const size = this.size(owner, word);
    if (size === 0) return [];
    const names = new PackedTexts(size);
    const blocks = new Int32Array(size);
    this.some(owner, word, (block, entry) => {
      blocks[names.size] = block;
      const { buf, off, len } = this.name(entry);
      names.add(buf, off, len);
      return true;
    });
    return Array.from(byteOrder(names), (i) => blocks[i]!);
  }

  /** Blocks, in no order, until `emit` answers false. O(n). */
  some(owner: Ref, word: number, emit: (block: Ref, entry: Ref) => boolean): void {
    const root = this.word(owner, word);
    if (root !== 0) this.dict.some(root, (entry) => emit(this.word(entry, 1), entry));
  }

  /** The next block to free, or 0, when what kept them is freed, too. Amortised O(1). */
  firstLeft(owner: Ref, word: number): Ref {
    const root = this.word(owner, word);
    if (root === 0) return 0;
    const entry = this.dict.firstLeft(root);
    if (entry !== 0) return this.word(entry, 1);
    this.drop(owner, word, root);
    return 0;
  }

  /** Frees the entry of the block that `firstLeft` found. O(1). */
  freeFirst(owner: Ref, word: number): void {
    const root = this.word(owner, word);
    const entry = this.dict.firstLeft(root);
    this.dict.dropFirst(root, entry);
    this.arena.free(entry);
  }

  /**
   * Frees about `max` entries, each after `free` was given its block. Returns whether some are
   * left.
   */
  freeSome(owner: Ref, word: number, free: (block: Ref) => void, max: number): boolean {
    const root = this.word(owner, word);
    if (root === 0) return false;
    const freeEntry = (entry: Ref) => {
      free(this.word(entry, 1));
      this.arena.free(entry);
    };
    if (this.dict.clearStep(root, freeEntry, max)) return true;
    this.drop(owner, word, root);
    return false;
  }

  /** Bytes of dict and entries, without the blocks. O(n). */
  memory(owner: Ref, word: number): number {
    const root = this.word(owner, word);
    if (root === 0) return 0;
    let total = this.dict.memory(root);
    this.dict.forEach(root, (entry) => {
      total += this.arena.capacity(entry);
    });
    return total;
  }

  /** Throws when an invariant is broken; for tests. */
  check(owner: Ref, word: number): void {
    if (this.word(owner, word) !== 0) this.dict.checkInvariants(this.word(owner, word));
  }

  private drop(owner: Ref, word: number, root: Ref): void {
    this.dict.destroy(root);
    this.arena.touch(owner);
    this.setWord(owner, word, 0);
  }

  private word(ref: Ref, i: number): number {
    return this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i]!;
  }

  /** The block was touched. */
  private setWord(ref: Ref, i: number, value: number): void {
    this.arena.i32[ref >>> 15]![((ref & 0x7fff) << 1) + i] = value;
  }
}
