/**
 * Two streams of effects beside each other: ours and redis-server's, fed step by step while a script
 * runs on both.
 *
 * Lines must be equal byte for byte, but for three things that cannot be: times taken from a clock
 * (equal within some seconds), members chosen by chance (SPOP), and when a key that has expired is
 * found: removals that stand alone may come at any step, as long as both servers have them.
 */
import { type Line, showUnit, type Unit } from './effects.ts';
import type { Step } from './script.ts';

/** A reviewed reason why a difference is right. All patterns given must match. */
export interface AllowedStreamDifference {
  /** Matched against the line of the command. */
  readonly command: RegExp;
  /** Matched against our unit as `showUnit` shows it; NONE where we have none. */
  readonly ours: RegExp;
  /** Matched against the oracle's. */
  readonly oracle: RegExp;
  readonly why: string;
}

/** What stands for a unit that a server does not have. */
export const NONE = '(none)';
/** As a pattern of an AllowedStreamDifference. */
export const none = /^\(none\)$/;

export interface StreamDifference {
  readonly step: Step;
  readonly ours: string;
  readonly oracle: string;
}

/** A unit and the step at which it was seen. */
interface Seen {
  readonly unit: Unit;
  readonly step: Step;
}

/** By how much times taken from a clock may differ: both servers run one script, one step apart. */
const CLOCK_TOLERANCE_MS = 20_000n;

export class StreamComparison {
  readonly differences: StreamDifference[] = [];
  private readonly allowed: readonly AllowedStreamDifference[];
  private readonly used: Set<AllowedStreamDifference>;
  private readonly ours: Seen[] = [];
  private readonly oracle: Seen[] = [];
  /** Removals that one server has had and the other has not. */
  private oursEarly: Seen[] = [];
  private oracleEarly: Seen[] = [];

  constructor(
    allowed: readonly AllowedStreamDifference[] = [],
    used: Set<AllowedStreamDifference> = new Set(),
  ) {
    this.allowed = allowed;
    this.used = used;
  }

  /** The units that came since the step before. */
  add(step: Step, ours: readonly Unit[], oracle: readonly Unit[]): void {
    const mine = ours.map((unit) => withoutProgress(mergedRemovals(unit)));
    this.ours.push(...mine.map((unit) => ({ unit, step })));
    this.oracle.push(...oracle.map((unit) => ({ unit: mergedRemovals(unit), step })));
    this.align();
    // Nobody has awaited a reply: what is still missing may be under way.
    if (step.replies > 0) this.settle();
  }

  /** Whether a removal is missing on one side, which may yet come. */
  get isWaiting(): boolean {
    return this.oursEarly.length + this.oracleEarly.length > 0;
  }

  /** Nothing comes any more: what has found no partner is a difference. */
  finish(): void {
    this.settle();
    for (const { step, unit } of this.oursEarly) this.differ(step, unit, undefined);
    for (const { step, unit } of this.oracleEarly) this.differ(step, undefined, unit);
    this.oursEarly = [];
    this.oracleEarly = [];
  }

  /** Takes pairs off both queues until one is empty. */
  private align(): void {
    const { ours, oracle } = this;
    while (ours.length > 0 && oracle.length > 0) {
      const [mine, theirs] = [ours[0]!, oracle[0]!];
      if (sameUnits(mine.unit, theirs.unit, mine.step)) {
        ours.shift();
        oracle.shift();
        continue;
      }
      if (this.setAside(ours, this.oursEarly, this.oracleEarly)) continue;
      if (this.setAside(oracle, this.oracleEarly, this.oursEarly)) continue;
      this.resynchronize(mine, theirs);
    }
  }

  /** The first of both queues differ: goes to where they are equal again, if they ever are. */
  private resynchronize(mine: Seen, theirs: Seen): void {
    const { ours, oracle } = this;
    const isLikeMine = ({ unit }: Seen) => sameUnits(mine.unit, unit, mine.step);
    const isLikeTheirs = ({ unit }: Seen) => sameUnits(unit, theirs.unit, mine.step);
    const onlyOurs = this.findAllowed(mine.step, showUnit(mine.unit), NONE);
    const onlyOracle = this.findAllowed(theirs.step, NONE, showUnit(theirs.unit));
    if (onlyOurs !== undefined || ours.some(isLikeTheirs)) {
      this.differ(mine.step, mine.unit, undefined);
      ours.shift();
    } else if (onlyOracle !== undefined || oracle.some(isLikeMine)) {
      this.differ(theirs.step, undefined, theirs.unit);
      oracle.shift();
    } else {
      this.differ(mine.step, mine.unit, theirs.unit);
      ours.shift();
      oracle.shift();
    }
  }

  /** One queue at most is not empty: its units have no partner. */
  private settle(): void {
    this.align();
    for (const [queue, early, others] of [
      [this.ours, this.oursEarly, this.oracleEarly],
      [this.oracle, this.oracleEarly, this.oursEarly],
    ] as const) {
      while (queue.length > 0) {
        if (this.setAside(queue, early, others)) continue;
        const { step, unit } = queue.shift()!;
        if (queue === this.ours) this.differ(step, unit, undefined);
        else this.differ(step, undefined, unit);
      }
    }
  }

  /**
   * Whether the first of `queue` begins with a removal of a single key or field: pairs it with one
   * that the other server had earlier, or keeps it until that has it too.
   */
  private setAside(queue: Seen[], early: Seen[], others: Seen[]): boolean {
    const { unit, step } = queue[0]!;
    const [first, ...rest] = unit.lines;
    if (first === undefined || !isRemoval(first)) return false;
    const removal = { lines: [first], isAtomic: false };
    const partner = others.findIndex((other) => sameUnits(removal, other.unit, step));
    if (partner >= 0) others.splice(partner, 1);
    else early.push({ unit: removal, step });
    queue.shift();
    const isAtomic = unit.isAtomic && rest.length > 1;
    if (rest.length > 0) queue.unshift({ unit: { lines: rest, isAtomic }, step });
    return true;
  }

  private differ(step: Step, ours: Unit | undefined, oracle: Unit | undefined): void {
    const [left, right] = [ours, oracle].map((unit) =>
      unit === undefined ? NONE : showUnit(unit),
    );
    const allowed = this.findAllowed(step, left!, right!);
    if (allowed !== undefined) this.used.add(allowed);
    else this.differences.push({ step, ours: left!, oracle: right! });
  }

  private findAllowed(step: Step, ours: string, oracle: string) {
    return this.allowed.find(
      (entry) =>
        entry.command.test(step.text) && entry.ours.test(ours) && entry.oracle.test(oracle),
    );
  }
}

function nameOf({ argv }: Line): string {
  return argv[0]!.toString('latin1').toUpperCase();
}

/** Whether expiry may have brought a line about. */
function isRemoval(line: Line): boolean {
  const { length } = line.argv;
  const name = nameOf(line);
  return (
    ((name === 'DEL' || name === 'UNLINK') && length === 2) || (name === 'HDEL' && length === 3)
  );
}

/**
 * Members that SPOP took, in one line: redis-server 7.0 writes a SREM for each, 7.2 and later one
 * for all. What is removed is the same.
 */
function mergedRemovals(unit: Unit): Unit {
  const lines: Line[] = [];
  for (const line of unit.lines) {
    const last = lines.at(-1);
    const joins =
      last !== undefined &&
      nameOf(line) === 'SREM' &&
      nameOf(last) === 'SREM' &&
      last.dbIndex === line.dbIndex &&
      last.argv[1]!.equals(line.argv[1]!);
    if (joins) lines[lines.length - 1] = { ...last, argv: [...last.argv, ...line.argv.slice(2)] };
    else lines.push(line);
  }
  if (lines.length === unit.lines.length) return unit;
  return { lines, isAtomic: lines.length > 1 };
}

/**
 * Without what we tell after the claims of an XREADGROUP, as Redis does from 7.4 on: how many
 * entries the group has read. In 7.0.15 a copy never learns of it.
 */
function withoutProgress(unit: Unit): Unit {
  const lines = unit.lines.filter((line, i) => {
    const [name, subcommand, key, group, id, option] = line.argv.map(String);
    const before = unit.lines[i - 1]?.argv.map(String);
    return !(
      name === 'XGROUP' &&
      subcommand === 'SETID' &&
      option === 'ENTRIESREAD' &&
      before?.[0] === 'XCLAIM' &&
      before[1] === key &&
      before[2] === group &&
      before.at(-1) === id
    );
  });
  if (lines.length === unit.lines.length) return unit;
  return { lines, isAtomic: lines.length > 1 };
}

function sameUnits(a: Unit, b: Unit, step: Step): boolean {
  return (
    a.isAtomic === b.isAtomic &&
    a.lines.length === b.lines.length &&
    a.lines.every((line, i) => sameLines(line, b.lines[i]!, step))
  );
}

function sameLines(a: Line, b: Line, step: Step): boolean {
  const name = nameOf(a);
  if (a.dbIndex !== b.dbIndex || a.argv.length !== b.argv.length || name !== nameOf(b))
    return false;
  return a.argv.every(
    (arg, i) =>
      i === 0 ||
      arg.equals(b.argv[i]!) ||
      isChance(name, i, step) ||
      sameTimes(arg, b.argv[i]!, isExpiry(a, name, i)),
  );
}

/** Whether argument i is each server's own: members chosen by chance, a payload it has made. */
function isChance(name: string, i: number, step: Step): boolean {
  if (name === 'SREM') return i >= 2 && /\b(spop|exec)\b/i.test(step.text);
  return name === 'RESTORE' && i === 3 && step.text.includes('<saved:');
}

/** Whether argument i is when something expires, however far away. */
function isExpiry({ argv }: Line, name: string, i: number): boolean {
  if (name === 'PEXPIREAT' || name === 'RESTORE') return i === 2;
  return argv[i - 1]!.toString('latin1').toUpperCase() === 'PXAT';
}

function sameTimes(a: Buffer, b: Buffer, anyTime: boolean): boolean {
  const [x, y] = [timeOf(a, anyTime), timeOf(b, anyTime)];
  if (x === undefined || y === undefined || x.isId !== y.isId) return false;
  const apart = x.ms - y.ms;
  return apart <= CLOCK_TOLERANCE_MS && -apart <= CLOCK_TOLERANCE_MS;
}

/** A time in ms, alone or as the first half of a stream id: of this decade, or any. */
function timeOf(arg: Buffer, anyTime: boolean): { ms: bigint; isId: boolean } | undefined {
  const pattern = anyTime ? /^(\d+)()$/ : /^(1[5-9]\d{11})(-\d{1,2})?$/;
  const [, ms, rest] = pattern.exec(arg.toString('latin1')) ?? [];
  return ms === undefined ? undefined : { ms: BigInt(ms), isId: (rest ?? '') !== '' };
}
