/**
 * A disk that forgets: what was not synced may be there after a crash or not. Data of a file lasts
 * by a sync of the file, its name by a sync of the directory. `crashStates` makes the disks that a
 * power cut at this moment may leave; `fault` has a call fail.
 *
 * Model: changes of names (create, rename, remove) that no sync has made last are kept or lost each
 * for itself; a rename is one change, also between directories. Of the unsynced changes of a file
 * the first ones are kept, the next one torn at any byte. After a failed sync what it should have
 * made last is never on the disk, whatever is synced later, though readers still see it.
 */
import path from 'node:path';
import type { FileSystem, OpenFile, OpenMode, SystemError } from '../../src/persistence/files.ts';

export interface DiskFault {
  /** The call that fails, counted from 1. */
  readonly call: number;
  readonly code: 'EIO' | 'ENOSPC' | 'EDQUOT' | 'EINTR' | 'short';
  /** Whether later calls of that kind fail, too, until `heal`. */
  readonly forGood: boolean;
}

interface Change {
  readonly seq: number;
  readonly at: number;
  /** Undefined: the file is cut off, or lengthened, at `at`. */
  readonly bytes: Buffer | undefined;
}

interface Node {
  live: Buffer;
  durable: Buffer;
  pending: Change[];
}

const DIRECTORY = 'directory';
type Entry = Node | typeof DIRECTORY;
type NameChange = readonly (readonly [name: string, entry: Entry | undefined])[];

/** A kind of fault has a number of its own. */
const NUMBERS: Readonly<Record<string, number>> = {
  EIO: -5,
  ENOSPC: -28,
  EDQUOT: -122,
  EINTR: -4,
  ENOENT: -2,
  EEXIST: -17,
};

export class SimulatedDisk implements FileSystem {
  /** Names of the calls so far that change or sync something. */
  readonly calls: string[] = [];
  /** Called after each of them, when it has succeeded. */
  onCall: (name: string) => void = () => {};
  fault: DiskFault | undefined = undefined;
  /** Whether `syncLater` waits for `finishSyncs`; else it is done at once. */
  holdsSyncs = false;
  openFiles = 0;
  private readonly names = new Map<string, Entry>();
  private readonly durableNames = new Map<string, Entry>();
  private pendingNames: NameChange[] = [];
  private waitingSyncs: ((error: SystemError | undefined) => void)[] = [];
  private failing: string | undefined;
  private seq = 0;

  constructor(directory = '/') {
    this.names.set(directory, DIRECTORY);
    this.durableNames.set(directory, DIRECTORY);
  }

  // ---- FileSystem ----------------------------------------------------------------------------

  open(name: string, mode: OpenMode): OpenFile {
    const found = this.names.get(name);
    if (mode === 'read' || mode === 'update') {
      if (found === undefined || found === DIRECTORY) throw failure('ENOENT', name);
      return this.handle(found, false);
    }
    if (mode === 'new' && found !== undefined) throw failure('EEXIST', name);
    if (this.names.get(path.dirname(name)) !== DIRECTORY) throw failure('ENOENT', name);
    this.begin(`open ${path.basename(name)}`);
    if (found !== undefined && found !== DIRECTORY) return this.handle(found, true);
    const node: Node = { live: Buffer.alloc(0), durable: Buffer.alloc(0), pending: [] };
    this.rename_([[name, node]]);
    this.onCall('open');
    return this.handle(node, true);
  }

  rename(from: string, to: string): void {
    const entry = this.names.get(from);
    if (entry === undefined) throw failure('ENOENT', from);
    this.begin(`rename ${path.basename(to)}`);
    this.rename_([
      [from, undefined],
      [to, entry],
    ]);
    this.onCall('rename');
  }

  unlink(name: string): void {
    if (!this.names.has(name)) throw failure('ENOENT', name);
    this.begin(`unlink ${path.basename(name)}`);
    this.rename_([[name, undefined]]);
    this.onCall('unlink');
  }

  syncDirectory(directory: string): void {
    if (this.names.get(directory) !== DIRECTORY) throw failure('ENOENT', directory);
    this.begin('syncDirectory');
    const isOfIt = (change: NameChange) =>
      change.some(([name]) => path.dirname(name) === directory);
    for (const change of this.pendingNames.filter(isOfIt)) apply(this.durableNames, change);
    this.pendingNames = this.pendingNames.filter((change) => !isOfIt(change));
    this.onCall('syncDirectory');
  }

  list(directory: string): string[] {
    return [...this.names.keys()]
      .filter((name) => path.dirname(name) === directory)
      .map((name) => path.basename(name));
  }

  makeDirectory(name: string): void {
    if (this.names.has(name)) return;
    this.begin('makeDirectory');
    this.rename_([[name, DIRECTORY]]);
    this.onCall('makeDirectory');
  }

  exists(name: string): boolean {
    return this.names.has(name);
  }

  // ---- for tests -----------------------------------------------------------------------------

  /** Calls work again. */
  heal(): void {
    this.fault = undefined;
    this.failing = undefined;
  }

  /** Ends the syncs under way, as long as there are any; with an error, all of them fail. */
  finishSyncs(code?: 'EIO'): void {
    for (const done of this.waitingSyncs.splice(0)) {
      done(code === undefined ? undefined : failure(code, 'fsync'));
    }
  }

  get syncsUnderWay(): number {
    return this.waitingSyncs.length;
  }

  /** What readers see in a file. */
  read(name: string): Buffer {
    const node = this.names.get(name);
    if (node === undefined || node === DIRECTORY) throw failure('ENOENT', name);
    return node.live;
  }

  /** Puts a file there that is on the disk. */
  put(name: string, bytes: Buffer): void {
    const node: Node = { live: bytes, durable: bytes, pending: [] };
    for (const names of [this.names, this.durableNames]) {
      names.set(path.dirname(name), DIRECTORY);
      names.set(name, node);
    }
  }

  /** What a crash of the process alone leaves: all that was done. */
  afterKill(): SimulatedDisk {
    return this.stateOf(
      this.pendingNames.map(() => true),
      () => Number.POSITIVE_INFINITY,
    );
  }

  /**
   * Disks that a power cut may leave at this moment: all choices of lost names while they are few,
   * each with the files' ends at the borders of writes and torn at random; at most `limit`.
   */
  *crashStates(limit: number, random: () => number): Generator<SimulatedDisk> {
    const names = this.pendingNames.length;
    const nodes = this.pendingNodes();
    const choices = 2 ** Math.min(names, 30);
    const isExhaustive = choices * (nodes.length + 1) <= limit;
    for (let i = 0; i < limit; i++) {
      const mask = isExhaustive ? i % choices : Math.floor(random() * choices);
      const kept = this.pendingNames.map((_, bit) => ((mask >>> bit) & 1) === 1);
      const ends = new Map(nodes.map((node) => [node, cutOf(node, random)]));
      // The two ends of what is possible come first: nothing unsynced is there, or all of it.
      if (i === 0) {
        kept.fill(false);
        for (const node of nodes) ends.set(node, 0);
      } else if (i === 1) {
        kept.fill(true);
        for (const node of nodes) ends.set(node, Number.POSITIVE_INFINITY);
      }
      yield this.stateOf(kept, (node) => ends.get(node) ?? 0);
      if (names === 0 && nodes.length === 0) return;
    }
  }

  // ---- inside --------------------------------------------------------------------------------

  private pendingNodes(): Node[] {
    const nodes = new Set<Node>();
    const all = [...this.names.values(), ...this.durableNames.values()];
    for (const change of this.pendingNames)
      for (const [, entry] of change) if (entry) all.push(entry);
    for (const entry of all) if (entry !== DIRECTORY && entry.pending.length > 0) nodes.add(entry);
    return [...nodes];
  }

  private stateOf(kept: readonly boolean[], endOf: (node: Node) => number): SimulatedDisk {
    const state = new SimulatedDisk();
    const names = new Map(this.durableNames);
    this.pendingNames.forEach((change, i) => {
      if (kept[i] === true) apply(names, change);
    });
    for (const [name, entry] of names) {
      if (entry === DIRECTORY) {
        state.names.set(name, DIRECTORY);
        state.durableNames.set(name, DIRECTORY);
      } else if (names.get(path.dirname(name)) === DIRECTORY) {
        const end = endOf(entry);
        const whole = end === Number.POSITIVE_INFINITY && entry.pending.length > 0;
        state.put(name, whole ? entry.live : contentOf(entry, end));
      }
    }
    return state;
  }

  private rename_(change: NameChange): void {
    apply(this.names, change);
    this.pendingNames.push(change);
  }

  private handle(node: Node, appends: boolean): OpenFile {
    this.openFiles++;
    let closed = false;
    return {
      write: (bytes, position) => {
        const short = this.begin('write') && bytes.length > 1;
        const taken = Buffer.from(short ? bytes.subarray(0, bytes.length >> 1) : bytes);
        const at = appends && position === undefined ? node.live.length : (position ?? 0);
        this.change(node, { seq: ++this.seq, at, bytes: taken });
        this.onCall('write');
        return taken.length;
      },
      read: (buf, from, to, position) =>
        node.live.copy(buf, from, position, Math.min(node.live.length, position + to - from)),
      size: () => node.live.length,
      truncate: (bytes) => {
        this.begin('truncate');
        this.change(node, { seq: ++this.seq, at: bytes, bytes: undefined });
        this.onCall('truncate');
      },
      sync: () => this.sync(node, 'sync'),
      syncData: () => this.sync(node, 'syncData'),
      syncLater: (done) => this.syncLater(node, done),
      close: () => {
        if (closed) throw new Error('closed twice');
        closed = true;
        this.openFiles--;
      },
    };
  }

  private change(node: Node, change: Change): void {
    node.live = changed(node.live, change);
    node.pending.push(change);
  }

  private sync(node: Node, name: string): void {
    try {
      this.begin(name);
    } catch (error) {
      if ((error as SystemError).code !== 'EINTR') node.pending = [];
      throw error;
    }
    this.settle(node, this.seq);
    this.onCall(name);
  }

  private syncLater(node: Node, done: (error: SystemError | undefined) => void): void {
    const upTo = this.seq;
    const end = (error: SystemError | undefined): void => {
      if (error === undefined) this.settle(node, upTo);
      else node.pending = node.pending.filter(({ seq }) => seq > upTo);
      done(error);
      if (error === undefined) this.onCall('syncLater');
    };
    let failed: SystemError | undefined;
    try {
      this.begin('syncLater');
    } catch (error) {
      failed = error as SystemError;
    }
    if (this.holdsSyncs) this.waitingSyncs.push((error) => end(error ?? failed));
    else end(failed);
  }

  private settle(node: Node, upTo: number): void {
    for (const change of node.pending) {
      if (change.seq <= upTo) node.durable = changed(node.durable, change);
    }
    node.pending = node.pending.filter(({ seq }) => seq > upTo);
  }

  /** Counts a call; throws when it is to fail, answers true when it is to be short. */
  private begin(name: string): boolean {
    this.calls.push(name);
    const { fault } = this;
    if (fault === undefined) return false;
    const kind = name.split(' ')[0];
    const now = this.calls.length === fault.call;
    if (now && fault.forGood) this.failing = kind;
    if (!now && this.failing !== kind) return false;
    if (fault.code === 'short') return true;
    throw failure(fault.code, name);
  }
}

function failure(code: string, what: string): SystemError {
  const error: SystemError = new Error(`${code}: ${what}`);
  error.code = code;
  error.errno = NUMBERS[code]!;
  return error;
}

function apply(names: Map<string, Entry>, change: NameChange): void {
  const moved = change.at(-1)![1];
  for (const [name, entry] of change) {
    if (entry !== undefined) names.set(name, entry);
    else if (change.length === 1 || names.get(name) === moved) names.delete(name);
  }
}

function changed(content: Buffer, { at, bytes }: Change): Buffer {
  if (bytes === undefined) {
    const cut = Buffer.alloc(at);
    content.copy(cut, 0, 0, at);
    return cut;
  }
  if (at === content.length) return Buffer.concat([content, bytes]);
  const longer = Buffer.alloc(Math.max(content.length, at + bytes.length));
  content.copy(longer);
  bytes.copy(longer, at);
  return longer;
}

/** Where the unsynced changes of a file end: whole changes, and the part of the next one. */
function cutOf(node: Node, random: () => number): number {
  const whole = Math.floor(random() * (node.pending.length + 1));
  return random() < 0.5 ? whole : whole + random() * 0.999;
}

/** What is on the disk when so many changes have reached it, the last one in part. */
function contentOf(node: Node, end: number): Buffer {
  let content = node.durable;
  for (const [i, change] of node.pending.entries()) {
    if (i >= end) break;
    const part = end - i;
    if (part >= 1) content = changed(content, change);
    else if (change.bytes !== undefined) {
      const bytes = change.bytes.subarray(0, Math.floor(change.bytes.length * part));
      content = changed(content, { ...change, bytes });
    }
  }
  return content;
}
