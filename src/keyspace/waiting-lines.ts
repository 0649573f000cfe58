/**
 * The lines in which waiters stand for one key, and the order in which they are served.
 *
 * Those who want the same stand in one line: when the first of it does not get what it wants,
 * nobody after it would, so a change costs one attempt for each line and what is served.
 */
/** Something that waits for any of some keys of one database. */
export interface Waiter {
  readonly dbIndex: number;
  /** Type that a key must have for the waiter to be served. */
  readonly type: number;
  /** Whether it is served as well when a key is gone or of another type. */
  readonly wakesWhenGone: boolean;
  /**
   * Keys as latin1 text, and what is wanted of each: when a waiter of the same type with the same
   * text is not served, this one would not be either.
   */
  readonly wants: ReadonlyMap<string, string>;
  /** Kept here for `Waiters` alone; empty while it does not wait. */
  places: Place[];
}

/** A waiter's place in a line. */
export class Place {
  readonly line: Line;
  readonly waiter: Waiter;
  /** Grows with each waiter that comes. */
  readonly arrival: number;
  before: Place | undefined = undefined;
  after: Place | undefined = undefined;

  constructor(line: Line, waiter: Waiter, arrival: number) {
    this.line = line;
    this.waiter = waiter;
    this.arrival = arrival;
  }
}

/** Waiters for one key that want the same of it, first come first. */
export class Line {
  readonly type: number;
  readonly wakesWhenGone: boolean;
  first: Place | undefined = undefined;
  private last: Place | undefined = undefined;

  constructor(waiter: Waiter) {
    this.type = waiter.type;
    this.wakesWhenGone = waiter.wakesWhenGone;
  }

  /** Whether one of them would be served a value of this type, undefined for none. */
  takes(type: number | undefined): boolean {
    return this.type === type || this.wakesWhenGone;
  }

  /** Appends a waiter. O(1). */
  append(waiter: Waiter, arrival: number): Place {
    const place = new Place(this, waiter, arrival);
    place.before = this.last;
    if (this.last === undefined) this.first = place;
    else this.last.after = place;
    this.last = place;
    return place;
  }

  /** Takes a place out. O(1). */
  remove({ before, after }: Place): void {
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.last = before;
    else after.before = before;
  }
}

/**
 * Goes once through the lines of a key: `next` names whoever has come first of those still to be
 * tried, and a line is done when the one that was named is still there at the next call. Waiters
 * may come and go meanwhile. A heap of lines by their first waiter's arrival: O(log lines) a step.
 */
export class Round<W extends Waiter> {
  private readonly lines: Line[] = [];
  /** The arrival of each line's first waiter when it was put in its place. */
  private readonly arrivals: number[] = [];
  private named: Place | undefined;

  constructor(lines: Iterable<Line>) {
    for (const line of lines) {
      this.lines.push(line);
      this.arrivals.push(line.first!.arrival);
    }
    for (let i = (this.lines.length >> 1) - 1; i >= 0; i--) this.sink(i);
  }

  /** Who is tried next while the key has a value of this type, undefined for no value. */
  next(type: number | undefined): W | undefined {
    const { lines, arrivals } = this;
    while (lines.length > 0) {
      const line = lines[0]!;
      const { first } = line;
      const done = first === undefined || first === this.named;
      if (done || !line.takes(type)) this.dropFirst();
      else if (first.arrival !== arrivals[0]) {
        arrivals[0] = first.arrival;
        this.sink(0);
      } else {
        this.named = first;
        return first.waiter as W;
      }
    }
    return undefined;
  }

  private dropFirst(): void {
    const line = this.lines.pop()!;
    const arrival = this.arrivals.pop()!;
    if (this.lines.length === 0) return;
    this.lines[0] = line;
    this.arrivals[0] = arrival;
    this.sink(0);
  }

  /** Moves a line down to where no line below it has come earlier. */
  private sink(from: number): void {
    const { lines, arrivals } = this;
    const line = lines[from]!;
    const arrival = arrivals[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < lines.length && arrivals[child + 1]! < arrivals[child]!) child++;
      if (child >= lines.length || arrivals[child]! >= arrival) break;
      lines[at] = lines[child]!;
      arrivals[at] = arrivals[child]!;
      at = child;
    }
    lines[at] = line;
    arrivals[at] = arrival;
  }
}
