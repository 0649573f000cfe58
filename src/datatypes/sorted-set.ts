/**
 * Sorted sets. Small ones are listpacks of member, score, member, score ... in order; larger ones a
 * dict of members, each with its score, beside an ordered index of the same entries. Whatever is
 * asked for in order, by rank, score or member, becomes a range of ranks.
 *
 *     large: a root block of two int32 words: 0 dict | 1 ordered index
 *
 * Reads leave an element in `member` and `score`; the text is a view until the next operation.
 * Source: behaviour of redis-server 7.0.15.
 */
import type { Ref } from '../memory/arena.ts';
import { DictFiller } from '../memory/dict-filler.ts';
import { LISTPACK_HEADER } from '../memory/listpack.ts';
import { ListpackEntry } from '../memory/listpack-entry.ts';
import { LEAF_SLOTS, OrderedIndex, type Ties } from '../memory/ordered-index.ts';
import { formatDouble, formatDouble17g, parseDouble } from '../util/numbers.ts';
import {
  compareMember,
  locateMember,
  moveMembers,
  newMember,
  numberOf,
  setNumber,
  TextRegister,
} from './members.ts';
import { sendKeys, type TextSink } from './text-sink.ts';
import { type Tools, Value } from './value.ts';
import { Encoding, ValueType } from './value-types.ts';

const ROOT_BYTES = 16;
/** Redis keeps whole scores up to here as integers in a listpack. */
const INTEGER_MAX = 2 ** 62;

/** Compares a text that is looked for with members. */
class MemberTies implements Ties {
  buf: Uint8Array = new Uint8Array(0);
  off = 0;
  len = 0;
  private readonly tools: Tools;

  constructor(tools: Tools) {
    this.tools = tools;
  }

  set(buf: Uint8Array, off: number, len: number): void {
    this.buf = buf;
    this.off = off;
    this.len = len;
  }

  compareProbe(ref: Ref): number {
    return compareMember(this.tools.arena, this.buf, this.off, this.len, ref);
  }
}

/** Elements of a sorted set in the making, which are in its dict only. */
class LaterElements {
  entries = new Int32Array(1024);
  scores = new Float64Array(1024);
  count = 0;

  add(entry: Ref, score: number): void {
    if (this.count === this.entries.length) {
      const { entries, scores } = this;
      this.entries = new Int32Array(this.count * 2);
      this.entries.set(entries);
      this.scores = new Float64Array(this.count * 2);
      this.scores.set(scores);
    }
    this.entries[this.count] = entry;
    this.scores[this.count++] = score;
  }
}

export class SortedSetValue extends Value {
  readonly type = ValueType.zset;
  /** The element read last. */
  readonly member = new TextRegister();
  score = 0;
  /** What `find` found: a position in the listpack or an entry. */
  private at = 0;
  private readonly text = new ListpackEntry();
  private readonly scoreEntry = new ListpackEntry();
  private readonly ties: MemberTies;
  private readonly index: OrderedIndex;
  private readonly leafEntries = new Int32Array(LEAF_SLOTS);
  private readonly leafScores = new Float64Array(LEAF_SLOTS);
  private later: LaterElements | undefined;
  private readonly filler: DictFiller;
  /** What walks have read ahead: meaningless, but so the reads are not optimised away. */
  loaded = 0;

  constructor(tools: Tools) {
    super(tools);
    this.ties = new MemberTies(tools);
    this.index = new OrderedIndex(tools.arena, this.ties);
    this.filler = new DictFiller(tools.arena, tools.dict);
  }

  /** An empty sorted set that belongs to no key yet. */
  create(): void {
    if (this.tools.limits.zsetListpackEntries > 0) {
      this.openDetached(this.tools.listpack.create(16), Encoding.listpack);
    } else this.openDetached(this.newTable(), Encoding.skiplist);
  }

  /** As `create`, in the large representation: a listpack does not keep -0. */
  createLarge(): void {
    this.openDetached(this.newTable(), Encoding.skiplist);
  }

  /**
   * As `createLarge`, for `count` elements that come with `addLater`: its elements are looked at
   * only after `finish`.
   */
  createFor(count: number): void {
    this.createLarge();
    this.tools.dict.reserve(this.dict, count);
    this.later = new LaterElements();
    this.filler.begin(this.dict);
  }

  /**
   * Adds an element, in any order. Returns false when a member was found to be there already, this
   * one or one of those before it: then the sorted set is good for nothing but `freeSome`.
   */
  addLater(buf: Uint8Array, off: number, len: number, score: number): boolean {
    const entry = newMember(this.arena, buf, off, len, true, 0);
    setNumber(this.arena, entry, score);
    this.later!.add(entry, score);
    return this.filler.add(entry);
  }

  /**
   * Puts the elements that came with `addLater` into their order. O(n) when they came in order or
   * the other way round, as files have them; else O(n log n). False as in `addLater`.
   */
  finish(): boolean {
    const { later } = this;
    if (later === undefined) return true;
    this.later = undefined;
    if (!this.filler.flush()) return false;
    const { entries, scores, count } = later;
    if (count > 1 && !this.isBefore(later, 0, count - 1)) {
      entries.subarray(0, count).reverse();
      scores.subarray(0, count).reverse();
    }
    if (this.ascend(later)) {
      this.index.build(this.indexRoot, entries, scores, count);
      return true;
    }
    const { member } = this;
    for (let i = 0; i < count; i++) {
      locateMember(this.arena, entries[i]!, member);
      this.ties.set(member.buf, member.off, member.len);
      this.index.insert(this.indexRoot, scores[i]!, entries[i]!);
    }
    return true;
  }

  private ascend(later: LaterElements): boolean {
    for (let i = 1; i < later.count; i++) if (!this.isBefore(later, i - 1, i)) return false;
    return true;
  }

  private isBefore({ entries, scores }: LaterElements, a: number, b: number): boolean {
    if (scores[a]! !== scores[b]!) return scores[a]! < scores[b]!;
    const { arena, member } = this;
    locateMember(arena, entries[a]!, member);
    return compareMember(arena, member.buf, member.off, member.len, entries[b]!) < 0;
  }

  /** Back to a listpack where the limits allow one. */
  compact(): void {
    const { limits } = this.tools;
    if (this.isListpack || this.size > limits.zsetListpackEntries) return;
    let longest = 0;
    this.forEach(() => {
      longest = Math.max(longest, this.member.len);
    });
    if (longest > limits.zsetListpackValue) return;
    const small = new SortedSetValue(this.tools);
    small.openDetached(this.tools.listpack.create(16), Encoding.listpack);
    this.forEach(() => {
      const { buf, off, len } = this.member;
      small.insertInListpack(buf, off, len, this.score);
    });
    let left = this.ref;
    while (left !== 0) left = this.freeSome(left, Encoding.skiplist, this.size + 1);
    this.become(small.ref, Encoding.listpack);
  }

  get isListpack(): boolean {
    return this.encoding === Encoding.listpack;
  }

  override open(block: Ref, slot: number): void {
    this.openAt(block, slot);
  }

  override moveIfSparse(): void {
    if (this.isListpack) super.moveIfSparse();
    else {
      const { arena, index, indexRoot, member, ties } = this;
      const dict = moveMembers(this.tools, this.dict, (from) => {
        const score = numberOf(arena, from);
        locateMember(arena, from, member);
        ties.set(member.buf, member.off, member.len);
        index.remove(indexRoot, score);
        const to = arena.relocate(from);
        locateMember(arena, to, member);
        ties.set(member.buf, member.off, member.len);
        index.insert(indexRoot, score, to);
        return to;
      });
      arena.touch(this.ref);
      this.setWord(this.ref, 0, dict);
      if (this.size <= this.tools.limits.movedAtOnce) {
        this.setWord(this.ref, 1, index.moveIfSparse(indexRoot));
      }
      if (arena.shouldMove(this.ref)) this.become(arena.relocate(this.ref), this.encoding);
    }
  }

  override forget(): void {
    this.member.forget();
    this.text.forget();
    this.scoreEntry.forget();
  }

  get size(): number {
    if (this.isListpack) return this.tools.listpack.count(this.ref) >> 1;
    return this.tools.dict.size(this.dict);
  }

  private get dict(): Ref {
    return this.word(this.ref, 0);
  }

  private get indexRoot(): Ref {
    return this.word(this.ref, 1);
  }

  // ---- one member --------------------------------------------------------------------------

  /** Looks for a member; when it is there, `score` is its score. O(1), O(n) in a listpack. */
  find(buf: Uint8Array, off: number, len: number): boolean {
    const { dict, listpack } = this.tools;
    if (this.isListpack) {
      this.at = listpack.find(this.ref, listpack.first(this.ref), 2, buf, off, len);
      if (this.at === 0) return false;
      this.score = this.scoreAt(listpack.next(this.ref, this.at));
      return true;
    }
    this.at = dict.find(this.dict, dict.hash(buf, off, len), buf, off, len);
    if (this.at === 0) return false;
    this.score = numberOf(this.arena, this.at);
    return true;
  }

  /** Adds a member that `find` did not find. O(log n). The text may lie anywhere but in here. */
  insert(buf: Uint8Array, off: number, len: number, score: number): void {
    const { dict, limits } = this.tools;
    if (this.isListpack) {
      if (this.size < limits.zsetListpackEntries && len <= limits.zsetListpackValue) {
        this.insertInListpack(buf, off, len, score);
        return;
      }
      this.toTable();
    }
    const entry = newMember(this.arena, buf, off, len, true, 0);
    setNumber(this.arena, entry, score);
    dict.insert(this.dict, dict.hash(buf, off, len), entry);
    this.ties.set(buf, off, len);
    this.index.insert(this.indexRoot, score, entry);
  }

  /** Gives the member that `find` has just found, by the same text, another score. O(log n). */
  update(buf: Uint8Array, off: number, len: number, score: number): void {
    if (this.isListpack) {
      this.become(this.tools.listpack.remove(this.ref, this.at, 2), this.encoding);
      this.insertInListpack(buf, off, len, score);
      return;
    }
    const entry = this.at;
    this.ties.set(buf, off, len);
    this.index.remove(this.indexRoot, numberOf(this.arena, entry));
    this.arena.touch(entry);
    setNumber(this.arena, entry, score);
    this.index.insert(this.indexRoot, score, entry);
  }

  /** Adds a member or changes its score. Returns whether it is new. */
  set(buf: Uint8Array, off: number, len: number, score: number): boolean {
    if (!this.find(buf, off, len)) {
      this.insert(buf, off, len, score);
      return true;
    }
    if (this.score !== score) this.update(buf, off, len, score);
    return false;
  }

  /** Removes a member. Returns whether it was there. O(log n). */
  delete(buf: Uint8Array, off: number, len: number): boolean {
    if (!this.find(buf, off, len)) return false;
    if (this.isListpack) {
      this.become(this.tools.listpack.remove(this.ref, this.at, 2), this.encoding);
    } else this.removeEntry(this.at);
    return true;
  }

  /** Number of elements before the member that `find` has just found. O(log n). */
  rankOfFound(): number {
    const { listpack } = this.tools;
    if (!this.isListpack) {
      const { member } = this;
      locateMember(this.arena, this.at, member);
      this.ties.set(member.buf, member.off, member.len);
      this.index.seek(this.indexRoot, this.score);
      return this.index.rank;
    }
    let rank = 0;
    for (let p = listpack.first(this.ref); p !== this.at; rank++) {
      p = listpack.next(this.ref, listpack.next(this.ref, p));
    }
    return rank;
  }

  // ---- ranges ------------------------------------------------------------------------------

  /** Number of elements whose score is below `score`, or not above it. O(log n). */
  rankOfScore(score: number, above: boolean): number {
    if (!this.isListpack) {
      this.index.seekScore(this.indexRoot, score, above);
      return this.index.rank;
    }
    return this.countInListpack(() => (above ? this.score <= score : this.score < score));
  }

  /** Number of elements whose member is below a text, or not above it; scores are equal. */
  rankOfMember(buf: Uint8Array, off: number, len: number, above: boolean): number {
    if (!this.isListpack) {
      this.ties.set(buf, off, len);
      this.index.seekTie(this.indexRoot, above);
      return this.index.rank;
    }
    return this.countInListpack(() => {
      const order = compareTexts(this.member, buf, off, len);
      return above ? order <= 0 : order < 0;
    });
  }

  /** Reads the element of a rank, which is there; `step` goes on from it. O(log n). */
  seek(rank: number): void {
    if (this.isListpack) {
      this.at = this.tools.listpack.seek(this.ref, rank * 2);
      this.readListpack();
    } else {
      this.index.seekRank(this.indexRoot, rank);
      this.readIndexed();
    }
  }

  /** Reads the next element, or the previous one, after `seek`; it is there. O(1). */
  step(backwards: boolean): void {
    if (this.isListpack) {
      this.stepListpack(backwards);
      this.readListpack();
      return;
    }
    if (backwards) this.index.previous();
    else this.index.next();
    this.readIndexed();
  }

  private readIndexed(): void {
    const { index } = this;
    locateMember(this.arena, index.entry, this.member);
    this.score = index.score;
  }

  /**
   * Calls `emit` with `member` and `score` set for `count` elements from a rank on, or backwards
   * from it. They are there; `emit` must not write. O(log n + count).
   */
  forRange(rank: number, count: number, backwards: boolean, emit: () => void): void {
    if (count <= 0) return;
    this.seek(rank);
    emit();
    for (let left = count - 1; left > 0; left--) {
      this.step(backwards);
      emit();
    }
  }

  /**
   * Gives `sink` the members of `count` elements from a rank on, or backwards from it. They are
   * there. O(log n + count).
   */
  sendMembers(rank: number, count: number, backwards: boolean, sink: TextSink): void {
    if (count <= 0) return;
    if (this.isListpack) {
      this.sendListpack(rank, count, backwards, sink);
      return;
    }
    const { index, leafEntries } = this;
    index.seekRank(this.indexRoot, rank);
    for (let left = count; left > 0; ) {
      const taken = index.takeRefs(leafEntries, left, backwards);
      sendKeys(this.arena, leafEntries, taken, sink);
      left -= taken;
    }
  }

  private sendListpack(rank: number, count: number, backwards: boolean, sink: TextSink): void {
    const { text, arena, ref } = this;
    const u8 = arena.u8[ref >>> 15]!;
    let p = ((ref & 0x7fff) << 3) + this.tools.listpack.seek(ref, rank * 2);
    for (let left = count; left > 0; left--) {
      text.locate(u8, p);
      sink.bulk(text.buf, text.off, text.len);
      if (left === 1) return;
      if (backwards) p = text.previousOf(u8, text.previousOf(u8, p));
      else {
        p += text.sizeAt(u8, p);
        p += text.sizeAt(u8, p);
      }
    }
  }

  /**
   * Every element, the greatest first. The entries of a leaf are loaded together before the first
   * is emitted, so that their cache misses overlap; `emit` must not write. O(n).
   */
  forEachBackwards(emit: () => void): void {
    if (this.isListpack) {
      this.forRange(this.size - 1, this.size, true, emit);
      return;
    }
    const { arena, index, leafEntries, leafScores, member } = this;
    index.seekLast(this.indexRoot);
    while (index.leaf !== 0) {
      const count = index.takeLeafBackwards(leafEntries, leafScores);
      let seen = 0;
      for (let i = 0; i < count; i++) {
        const entry = leafEntries[i]!;
        seen |= arena.i32[entry >>> 15]![(entry & 0x7fff) << 1]!;
      }
      this.loaded = seen;
      for (let i = 0; i < count; i++) {
        locateMember(arena, leafEntries[i]!, member);
        this.score = leafScores[i]!;
        emit();
      }
    }
  }

  /** Every element in order. */
  forEach(emit: () => void): void {
    this.forRange(0, this.size, false, emit);
  }

  /** Removes `count` elements from a rank on; they are there. O(count log n). */
  removeRange(rank: number, count: number): void {
    if (count <= 0) return;
    if (this.isListpack) {
      const { listpack } = this.tools;
      const p = listpack.seek(this.ref, rank * 2);
      this.become(listpack.remove(this.ref, p, count * 2), this.encoding);
      return;
    }
    const { index, indexRoot } = this;
    for (let i = 0; i < count; i++) {
      index.seekRank(indexRoot, rank);
      index.loadAhead();
      const { entry } = index;
      index.removeSought(indexRoot);
      this.dropEntry(entry);
    }
  }

  /** The text of the score read last as ZSCAN gives it: a listpack's integers digit for digit. */
  get scoreText(): string {
    const { score } = this;
    const whole = this.isListpack && Number.isInteger(score) && Math.abs(score) < INTEGER_MAX;
    return whole ? BigInt(score).toString() : formatDouble17g(score);
  }

  /** One ZSCAN step; a listpack comes whole. `emit` must not write. Returns the next cursor. */
  scan(cursor: number, emit: () => void): number {
    if (this.isListpack) {
      this.forEach(emit);
      return 0;
    }
    return this.tools.dict.scan(this.dict, cursor, (entry) => {
      locateMember(this.arena, entry, this.member);
      this.score = numberOf(this.arena, entry);
      emit();
    });
  }

  // ---- listpack ----------------------------------------------------------------------------

  private scoreAt(position: number): number {
    const { listpack } = this.tools;
    if (listpack.isInteger(this.ref, position)) return Number(listpack.integer(this.ref, position));
    listpack.locate(this.ref, position);
    const { buf, off, len } = listpack.entry;
    return parseDouble(buf, off, len);
  }

  private insertInListpack(buf: Uint8Array, off: number, len: number, score: number): void {
    const { listpack } = this.tools;
    const { arena, text, member } = this;
    const u8 = arena.u8[this.ref >>> 15]!;
    const start = (this.ref & 0x7fff) << 3;
    const end = start + listpack.end(this.ref);
    let p = start + LISTPACK_HEADER;
    while (p < end) {
      const at = p;
      p += text.sizeAt(u8, p);
      const other = this.readScore(u8, p);
      p += text.sizeAt(u8, p);
      if (other < score) continue;
      if (other === score) {
        text.locate(u8, at);
        member.set(text);
        if (compareTexts(member, buf, off, len) < 0) continue;
      }
      p = at;
      break;
    }
    const position = p - start;
    let ref = listpack.insert(this.ref, position, buf, off, len);
    const behind = position + text.sizeAt(arena.u8[ref >>> 15]!, ((ref & 0x7fff) << 3) + position);
    if (Number.isInteger(score) && Math.abs(score) < INTEGER_MAX) {
      const whole = Number.isSafeInteger(score) ? score + 0 : BigInt(score);
      ref = listpack.insertInt(ref, behind, whole);
    } else {
      const digits = Buffer.from(formatDouble(score), 'latin1');
      ref = listpack.insert(ref, behind, digits, 0, digits.length);
    }
    this.become(ref, this.encoding);
  }

  private readScore(u8: Uint8Array, p: number): number {
    const { scoreEntry } = this;
    if (scoreEntry.isInteger(u8, p)) return Number(scoreEntry.integer(u8, p));
    scoreEntry.locate(u8, p);
    return parseDouble(scoreEntry.buf, scoreEntry.off, scoreEntry.len);
  }

  /** Reads the listpack's element at `at`. */
  private readListpack(): void {
    const { text, arena, ref } = this;
    const u8 = arena.u8[ref >>> 15]!;
    const p = ((ref & 0x7fff) << 3) + this.at;
    text.locate(u8, p);
    this.member.set(text);
    this.score = this.readScore(u8, p + text.sizeAt(u8, p));
  }

  /** Moves `at` to the next or the previous element of the listpack. */
  private stepListpack(backwards: boolean): void {
    const { text, arena, ref } = this;
    const u8 = arena.u8[ref >>> 15]!;
    const start = (ref & 0x7fff) << 3;
    let p = start + this.at;
    if (backwards) p = text.previousOf(u8, text.previousOf(u8, p));
    else {
      p += text.sizeAt(u8, p);
      p += text.sizeAt(u8, p);
    }
    this.at = p - start;
  }

  /** Number of leading elements for which `isBefore` holds. */
  private countInListpack(isBefore: () => boolean): number {
    const { listpack } = this.tools;
    const { text, member } = this;
    const u8 = this.arena.u8[this.ref >>> 15]!;
    const start = (this.ref & 0x7fff) << 3;
    const end = start + listpack.end(this.ref);
    let rank = 0;
    for (let p = start + LISTPACK_HEADER; p < end; rank++) {
      text.locate(u8, p);
      member.set(text);
      p += text.sizeAt(u8, p);
      this.score = this.readScore(u8, p);
      p += text.sizeAt(u8, p);
      if (!isBefore()) return rank;
    }
    return rank;
  }

  // ---- inside ------------------------------------------------------------------------------

  private newTable(): Ref {
    const root = this.arena.alloc(ROOT_BYTES);
    const dict = this.tools.dict.create();
    const index = this.index.create();
    this.setWord(root, 0, dict);
    this.setWord(root, 1, index);
    return root;
  }

  private toTable(): void {
    const { dict } = this.tools;
    const root = this.newTable();
    const dictRoot = this.word(root, 0);
    const indexRoot = this.word(root, 1);
    this.forEach(() => {
      const { buf, off, len } = this.member;
      const entry = newMember(this.arena, buf, off, len, true, 0);
      setNumber(this.arena, entry, this.score);
      dict.insert(dictRoot, dict.hash(buf, off, len), entry);
      this.ties.set(buf, off, len);
      this.index.insert(indexRoot, this.score, entry);
    });
    this.arena.free(this.ref);
    this.become(root, Encoding.skiplist);
  }

  private removeEntry(entry: Ref): void {
    const { member } = this;
    locateMember(this.arena, entry, member);
    this.ties.set(member.buf, member.off, member.len);
    this.index.remove(this.indexRoot, numberOf(this.arena, entry));
    this.dropEntry(entry);
  }

  /** Frees an entry that the index has no more. */
  private dropEntry(entry: Ref): void {
    const { dict } = this.tools;
    dict.unlinkEntry(this.dict, dict.hashOfEntry(entry), entry);
    this.arena.free(entry);
  }

  // ---- whole values ------------------------------------------------------------------------

  override freeSome(ref: Ref, encoding: number, max: number): Ref {
    const { dict } = this.tools;
    if (this.later !== undefined && ref === this.ref) {
      this.filler.discard();
      this.later = undefined;
    }
    if (encoding === Encoding.listpack) {
      this.arena.free(ref);
      return 0;
    }
    const index = this.word(ref, 1);
    if (index !== 0) {
      const more = this.index.clearStep(index, Math.max(1, max >> 4));
      this.arena.touch(ref);
      if (!more) this.setWord(ref, 1, 0);
      return ref;
    }
    const members = this.word(ref, 0);
    if (dict.clearStep(members, (entry) => this.arena.free(entry), max)) return ref;
    dict.destroy(members);
    this.arena.free(ref);
    return 0;
  }

  override clone(): Ref {
    if (this.isListpack) return this.cloneBlock(this.ref, this.tools.listpack.bytes(this.ref));
    const copy = new SortedSetValue(this.tools);
    copy.openDetached(copy.newTable(), Encoding.skiplist);
    this.forEach(() => {
      copy.insert(this.member.buf, this.member.off, this.member.len, this.score);
    });
    return copy.ref;
  }

  override memory(): number {
    const { arena } = this;
    if (this.isListpack) return arena.capacity(this.ref);
    let total = arena.capacity(this.ref) + this.tools.dict.memory(this.dict);
    total += this.index.memory(this.indexRoot);
    this.tools.dict.forEach(this.dict, (entry) => {
      total += arena.capacity(entry);
    });
    return total;
  }

  override checkInvariants(): void {
    let previous: { score: number; member: Buffer } | undefined;
    let count = 0;
    this.forEach(() => {
      const { buf, off, len } = this.member;
      const member = Buffer.from(buf.subarray(off, off + len));
      const { score } = this;
      const late = previous === undefined || score > previous.score;
      if (!late && (score < previous!.score || member.compare(previous!.member) <= 0)) {
        throw new Error('sorted set: out of order');
      }
      previous = { score, member };
      count++;
    });
    if (count !== this.size) throw new Error('sorted set: wrong size');
    if (this.isListpack) return;
    this.tools.dict.checkInvariants(this.dict);
    this.index.checkInvariants(this.indexRoot);
    if (this.index.size(this.indexRoot) !== count) throw new Error('sorted set: index differs');
  }
}

/** Compares bytewise, a prefix first. */
function compareTexts(text: TextRegister, buf: Uint8Array, off: number, len: number): number {
  const common = Math.min(text.len, len);
  for (let i = 0; i < common; i++) {
    const order = text.buf[text.off + i]! - buf[off + i]!;
    if (order !== 0) return order;
  }
  return text.len - len;
}
