/**
 * Decides whether a history of concurrent operations is linearizable: whether every operation can
 * have happened at one instant between its call and its return, each seeing what those before it
 * left behind. After Wing and Gong ("Testing and verifying concurrent objects", 1993) and Lowe
 * ("Testing for linearizability", 2017).
 *
 * Keys are judged apart: a history is linearizable when that of every key is (Herlihy and Wing).
 * The checker walks along time and keeps all configurations possible so far: which of the pending
 * operations have happened, and the state they led to. Only when an operation returns that has
 * not happened in a configuration must others be tried before it. So the work grows with the
 * operations in flight, not with the length of the history.
 */
import { ListLookahead, type Lookahead, RegisterLookahead } from './lookahead.ts';

/** What was asked of one key. A CAS is WATCH, GET, then MULTI, SET, EXEC: here stands its EXEC. */
export type Action =
  | readonly ['GET' | 'INCR' | 'LRANGE']
  | readonly ['SET' | 'RPUSH', value: string]
  | readonly ['CAS', expected: Result, value: string];

/** A reply as text: elements each followed by a comma, null for nil. */
export type Result = string | null;

export interface Operation {
  readonly client: number;
  readonly key: string;
  readonly action: Action;
  /** Absent when no reply came: it happened at any time after the call, or never. */
  readonly result?: Result;
  /** Times of one clock, in any unit; of operations without a reply `end` is Infinity. */
  readonly call: number;
  readonly end: number;
  /** Of a CAS: when its WATCH was called and returned. */
  readonly watch?: { readonly call: number; readonly end: number };
}

/** The value of a key; a list's elements are each followed by a comma. */
export type State = string | null;

export interface Configuration {
  /** Slots of the pending operations that have happened. */
  readonly done: number;
  /** Operations without a reply that have happened, by their number. */
  readonly lost: bigint;
  readonly state: State;
}

/** More operations in flight on one key do not fit into `done`. */
const SLOTS = 30;
/** More possibilities than tests produce: a fault of the test, rather than of the server. */
const CONFIGURATIONS_MAX = 200_000;

/** Why a history is not linearizable, or undefined when it is. */
export function findViolation(history: readonly Operation[]): string | undefined {
  const keys = new Set(history.map(({ key }) => key));
  for (const key of keys) {
    const operations = history.filter((operation) => operation.key === key);
    const found = new KeyChecker(operations).check() ?? brokenWatch(operations);
    if (found !== undefined) return `${key}: ${found}`;
  }
  return undefined;
}

/** The state after an operation, or undefined when it cannot answer so in this state. */
export function apply(state: State, { action, result }: Operation): State | undefined {
  const answers = (expected: Result) => result === undefined || result === expected;
  switch (action[0]) {
    case 'GET':
      return answers(state) ? state : undefined;
    case 'LRANGE':
      return answers(state ?? '') ? state : undefined;
    case 'SET':
      return answers('OK') ? action[1] : undefined;
    case 'INCR': {
      const next = String(Number(state) + 1);
      return answers(next) ? next : undefined;
    }
    case 'CAS':
      // One that fails changes nothing; `brokenWatch` judges whether it had reason to.
      if (result === null) return state;
      if (state === action[1] && answers('OK')) return action[2];
      return result === undefined ? state : undefined;
    case 'RPUSH': {
      const next = `${state ?? ''}${action[1]},`;
      return answers(String(next.split(',').length - 1)) ? next : undefined;
    }
  }
}

/** Whether it leaves every state as it is. */
function isRead({ action, result }: Operation): boolean {
  return action[0] === 'GET' || action[0] === 'LRANGE' || (action[0] === 'CAS' && result === null);
}

class KeyChecker {
  private readonly operations: readonly Operation[];
  /** Called, not returned; an index is a slot. */
  private readonly pending: (Operation | undefined)[] = [];
  /** Called, never to return. */
  private readonly lost: Operation[] = [];
  private readonly returned = new Set<Operation>();
  private readonly lookahead: Lookahead;
  private configurations: readonly Configuration[] = [{ done: 0, lost: 0n, state: null }];

  constructor(operations: readonly Operation[]) {
    this.operations = operations;
    const isList = operations.some(({ action: [name] }) => name === 'RPUSH' || name === 'LRANGE');
    this.lookahead = isList
      ? new ListLookahead(operations)
      : new RegisterLookahead(operations, this.isLeft.bind(this));
  }

  check(): string | undefined {
    for (const { operation, isCall } of eventsOf(this.operations)) {
      if (isCall) {
        this.begin(operation);
        continue;
      }
      const before = this.configurations;
      const slot = this.pending.indexOf(operation);
      this.configurations = this.happened(slot);
      if (this.configurations.length === 0) return this.explain(operation, before);
      this.pending[slot] = undefined;
      this.returned.add(operation);
    }
    return undefined;
  }

  private begin(operation: Operation): void {
    if (operation.end === Infinity) {
      if (!isRead(operation)) this.lost.push(operation);
      return;
    }
    const free = this.pending.indexOf(undefined);
    const slot = free >= 0 ? free : this.pending.length;
    if (slot >= SLOTS) throw new Error(`more than ${SLOTS} operations in flight on one key`);
    this.pending[slot] = operation;
    if (isRead(operation)) this.configurations = this.configurations.map((c) => this.settled(c));
  }

  /** All configurations in which the operation of this slot has happened; the slot is cleared. */
  private happened(slot: number): Configuration[] {
    const bit = 1 << slot;
    const reached = new Configurations();
    const passed = new Configurations();
    for (const one of this.configurations) (one.done & bit ? reached : passed).add(one);
    const queue = passed.all();
    for (const from of queue) {
      for (const to of this.successors(from)) {
        if (to.done & bit) reached.add(to);
        else if (passed.add(to)) queue.push(to);
      }
      if (queue.length > CONFIGURATIONS_MAX) throw new Error('too many configurations');
    }
    return reached.all().map((one) => ({ ...one, done: one.done & ~bit }));
  }

  /** Where one more operation leads, unless it is known to lead nowhere. */
  private *successors(from: Configuration): Generator<Configuration> {
    const { done, lost } = from;
    for (const [slot, operation] of this.pending.entries()) {
      if (operation === undefined || done & (1 << slot)) continue;
      const state = apply(from.state, operation);
      if (state === undefined) continue;
      const to = this.settled({ done: done | (1 << slot), lost, state });
      if (this.mayLeave(from, to)) yield to;
    }
    let incremented = false;
    for (const [number, operation] of this.lost.entries()) {
      const bit = 1n << BigInt(number);
      if (lost & bit) continue;
      // Of several INCRs one is as good as another.
      if (operation.action[0] === 'INCR') {
        if (incremented) continue;
        incremented = true;
      }
      const state = apply(from.state, operation);
      if (state === undefined || state === from.state) continue;
      if (!this.lookahead.isOfUse(state, from)) continue;
      const to = this.settled({ done, lost: lost | bit, state });
      if (this.mayLeave(from, to)) yield to;
    }
  }

  private mayLeave(from: Configuration, to: Configuration): boolean {
    return from.state === to.state || this.lookahead.mayLeave(from.state, to);
  }

  /** Whether an operation has not happened in this configuration. */
  private isLeft(operation: Operation, { done, lost }: Configuration): boolean {
    if (this.returned.has(operation)) return false;
    const slot = this.pending.indexOf(operation);
    if (slot >= 0) return (done & (1 << slot)) === 0;
    const number = this.lost.indexOf(operation);
    return number < 0 || (lost & (1n << BigInt(number))) === 0n;
  }

  /** With all reads done that the state answers: to wait could not serve them better. */
  private settled(configuration: Configuration): Configuration {
    let { done } = configuration;
    for (const [slot, operation] of this.pending.entries()) {
      if (operation === undefined || !isRead(operation)) continue;
      if (apply(configuration.state, operation) !== undefined) done |= 1 << slot;
    }
    return done === configuration.done ? configuration : { ...configuration, done };
  }

  private explain(operation: Operation, before: readonly Configuration[]): string {
    const states = new Set(before.map(({ state }) => show(state)));
    const others = [...this.pending, ...this.lost].filter(
      (o) => o && o !== operation,
    ) as Operation[];
    return [
      `no order of the operations explains ${describe(operation)}`,
      `possible values before: ${[...states].slice(0, 10).join(' ')}`,
      ...others.map((other) => `in flight: ${describe(other)}`),
      ...this.operations
        .filter(({ end }) => end < operation.end)
        .sort((a, b) => a.end - b.end)
        .slice(-10)
        .map((other) => `earlier: ${describe(other)}`),
    ].join('\n  ');
  }
}

/**
 * A set of configurations without those that another one makes needless: same operations done and
 * same state, but fewer of the lost ones, which nobody has to use.
 */
class Configurations {
  private readonly byPlace = new Map<string, Configuration[]>();

  /** Answers whether it is new. */
  add(configuration: Configuration): boolean {
    const { done, lost, state } = configuration;
    const place = `${done} ${state}`;
    const others = this.byPlace.get(place) ?? [];
    if (others.some((other) => (other.lost & lost) === other.lost)) return false;
    const rest = others.filter((other) => (other.lost & lost) !== lost);
    this.byPlace.set(place, [...rest, configuration]);
    return true;
  }

  all(): Configuration[] {
    return [...this.byPlace.values()].flat();
  }
}

interface Event {
  readonly operation: Operation;
  readonly isCall: boolean;
  readonly at: number;
}

/** Calls and returns in the order of time; at the same time calls are first. */
function eventsOf(operations: readonly Operation[]): Event[] {
  const events: Event[] = [];
  for (const operation of operations) {
    events.push({ operation, isCall: true, at: operation.call });
    if (operation.end < Infinity) events.push({ operation, isCall: false, at: operation.end });
  }
  return events.sort((a, b) => a.at - b.at || Number(b.isCall) - Number(a.isCall));
}

/**
 * A CAS whose EXEC does not fit to what was written since its WATCH. The value that GET saw in
 * between does not tell: the key may have been touched before it, or be what it was again.
 */
function brokenWatch(operations: readonly Operation[]): string | undefined {
  const writes = operations.filter((operation) => !isRead(operation));
  for (const cas of operations) {
    const { watch, result } = cas;
    if (watch === undefined || result === undefined) continue;
    if (result === null) {
      const possible = writes.some(({ call, end }) => call < cas.end && end > watch.call);
      if (!possible) return `failed, but nobody wrote: ${describe(cas)}`;
      continue;
    }
    const certain = writes.find(
      ({ call, end }) => call > watch.end && end < cas.call && end < Infinity,
    );
    if (certain === undefined) continue;
    return `succeeded, but the key was touched: ${describe(cas)}\n  by ${describe(certain)}`;
  }
  return undefined;
}

function describe({ client, action, result, call, end, watch }: Operation): string {
  const shown = result === undefined ? '(no reply)' : show(result);
  const since = watch === undefined ? '' : `, watching since ${watch.call}..${watch.end}`;
  return `client ${client}: ${action.join(' ')} = ${shown} at ${call}..${end}${since}`;
}

/** A value in quotes, of a long one the end. */
function show(value: Result): string {
  const text = JSON.stringify(value);
  return text.length > 100 ? `...${text.slice(-100)}` : text;
}
