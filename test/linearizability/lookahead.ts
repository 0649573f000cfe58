/**
 * What the rest of a key's history still has to see. Without it the checker would follow, for
 * every SET in flight, an order that a later reply rules out; with it such an order ends at once.
 * It may say yes in vain, never no.
 */
import type { Configuration, Operation, State } from './checker.ts';

export interface Lookahead {
  /** Whether all that is left can be answered after the state was left for that of `to`. */
  mayLeave(state: State, to: Configuration): boolean;
  /** Whether anybody can do with a state that an operation without a reply would make. */
  isOfUse(state: State, from: Configuration): boolean;
}

/** Lists only grow: what comes before or after the longest list read is a part of it or more. */
export class ListLookahead implements Lookahead {
  private readonly longest: string;

  constructor(operations: readonly Operation[]) {
    const read = operations.map(({ action, result }) => (action[0] === 'LRANGE' && result) || '');
    this.longest = read.reduce((a, b) => (b.length > a.length ? b : a), '');
  }

  mayLeave(_state: State, { state }: Configuration): boolean {
    const list = state ?? '';
    return list.length > this.longest.length
      ? list.startsWith(this.longest)
      : this.longest.startsWith(list);
  }

  isOfUse(): boolean {
    return true;
  }
}

export class RegisterLookahead implements Lookahead {
  private readonly readers = new Map<State, Operation[]>();
  private readonly writers = new Map<State, Operation[]>();
  private readonly lostIncrements: readonly Operation[];
  private readonly isLeft: (operation: Operation, configuration: Configuration) => boolean;

  /** `isLeft` tells whether an operation has not happened in a configuration. */
  constructor(operations: readonly Operation[], isLeft: RegisterLookahead['isLeft']) {
    this.isLeft = isLeft;
    this.lostIncrements = operations.filter(
      ({ action, result }) => action[0] === 'INCR' && result === undefined,
    );
    for (const operation of operations) {
      for (const state of neededBy(operation)) append(this.readers, state, operation);
      const made = madeBy(operation);
      if (made !== undefined) append(this.writers, made, operation);
    }
  }

  /** Nobody needs the state that was left, or it may come again. */
  mayLeave(state: State, to: Configuration): boolean {
    const due = (reader: Operation) => reader.end < Infinity && this.isLeft(reader, to);
    if (!this.readers.get(state)?.some(due)) return true;
    return this.reachable(state, -1, to).some(
      (one) => one === to.state || this.writers.get(one)?.some((w) => this.isLeft(w, to)),
    );
  }

  isOfUse(state: State, from: Configuration): boolean {
    return this.reachable(state, 1, from).some((one) =>
      this.readers.get(one)?.some((reader) => this.isLeft(reader, from)),
    );
  }

  /** The state and those that INCRs without a reply can make of it, or (-1) it of them. */
  private reachable(state: State, sign: 1 | -1, configuration: Configuration): State[] {
    const states = [state];
    for (const operation of this.lostIncrements) {
      if (!this.isLeft(operation, configuration)) continue;
      states.push(String(Number(state) + sign * states.length));
    }
    // A missing key counts as 0.
    return states.includes('0') ? [...states, null] : states;
  }
}

/** The states in which an operation can give its answer; none when the state does not matter. */
function neededBy({ action, result }: Operation): readonly State[] {
  switch (action[0]) {
    case 'GET':
      return result === undefined ? [] : [result];
    case 'CAS':
      return result === null ? [] : [action[1]];
    case 'INCR':
      if (result === undefined) return [];
      return result === '1' ? ['0', null] : [String(Number(result) - 1)];
    default:
      return [];
  }
}

/** The state that an operation leaves behind, where it is always the same. */
function madeBy({ action, result }: Operation): State | undefined {
  switch (action[0]) {
    case 'SET':
      return action[1];
    case 'CAS':
      return result === null ? undefined : action[2];
    case 'INCR':
      return result;
    default:
      return undefined;
  }
}

function append(map: Map<State, Operation[]>, state: State, operation: Operation): void {
  const operations = map.get(state);
  if (operations === undefined) map.set(state, [operation]);
  else operations.push(operation);
}
