/**
 * Histories of a server that makes no mistake: simulated clients, each of whose operations happens
 * at one instant of a simulated time.
 *
 * Every written value is unique, here and in what the tests send to servers: SET writes multiples
 * of STRIDE, and no history counts from one to the next. So a value tells who wrote it.
 */
import { type Action, apply, type Operation, type Result } from './checker.ts';
import { Random } from './random.ts';

export const STRIDE = 1_000_000;

export interface HistoryOptions {
  readonly seed: number;
  readonly operations: number;
  readonly clients: number;
  readonly keys: readonly string[];
  /** One operation in so many gets no reply; none when absent. */
  readonly lostOneIn?: number;
}

/** Longest time of the simulation between two steps of a client. */
const STEP_MAX = 100;

interface Step {
  readonly at: number;
  readonly run: () => void;
}

/** Keys that begin with `list` are lists, others registers. */
export function isList(key: string): boolean {
  return key.startsWith('list');
}

/** The next action on a key; a CAS is chosen by the caller, who knows what to expect. */
export function randomAction(random: Random, key: string, unique: number): Action {
  if (isList(key)) return random.oneIn(2) ? ['LRANGE'] : ['RPUSH', `e${unique}`];
  const value = String(unique * STRIDE);
  return random.pick<Action>([['GET'], ['GET'], ['SET', value], ['INCR']]);
}

export function goodHistory(options: HistoryOptions): Operation[] {
  return new Simulation(options).run();
}

class Simulation {
  private readonly options: HistoryOptions;
  private readonly random: Random;
  private readonly history: Operation[] = [];
  private readonly states = new Map<string, Result>();
  /** How often a key was written: WATCH compares. */
  private readonly versions = new Map<string, number>();
  private readonly steps: Step[] = [];
  private started = 0;
  private unique = 0;
  private now = 0;
  /** Times of the history: the count of its events. */
  private clock = 0;

  constructor(options: HistoryOptions) {
    this.options = options;
    this.random = new Random(options.seed);
  }

  run(): Operation[] {
    for (let client = 0; client < this.options.clients; client++) {
      this.later(() => this.next(client));
    }
    for (let step = this.steps.shift(); step !== undefined; step = this.steps.shift()) {
      this.now = step.at;
      step.run();
    }
    return this.history;
  }

  private next(client: number): void {
    if (this.started >= this.options.operations) return;
    const key = this.random.pick(this.options.keys);
    if (!isList(key) && this.random.oneIn(4)) this.compareAndSet(client, key);
    else {
      const action = randomAction(this.random, key, ++this.unique);
      this.operation(client, key, action, () => this.next(client));
    }
  }

  private compareAndSet(client: number, key: string): void {
    const watchCall = ++this.clock;
    let version = 0;
    const exec = (expected: Result, watchEnd: number) => {
      const action: Action = ['CAS', expected, String(++this.unique * STRIDE)];
      const watch = { call: watchCall, end: watchEnd };
      const mayWrite = () => version === this.version(key);
      this.operation(client, key, action, () => this.next(client), watch, mayWrite);
    };
    this.later(() => {
      version = this.version(key);
      this.later(() => {
        const watchEnd = ++this.clock;
        this.operation(client, key, ['GET'], (value) => {
          this.later(() => exec(value, watchEnd));
        });
      });
    });
  }

  /** Calls now, happens later and returns later still, then goes on with the reply. */
  private operation(
    client: number,
    key: string,
    action: Action,
    then: (result: Result) => void,
    watch?: { call: number; end: number },
    mayWrite = () => true,
  ): void {
    this.started++;
    const { lostOneIn } = this.options;
    const shared = { client, key, action, call: ++this.clock, ...(watch && { watch }) };
    if (lostOneIn !== undefined && this.random.oneIn(lostOneIn)) {
      this.history.push({ ...shared, end: Infinity });
      if (this.random.oneIn(2)) this.later(() => mayWrite() && this.happen(key, action));
      this.next(client);
      return;
    }
    this.later(() => {
      const result = mayWrite() ? this.happen(key, action) : null;
      this.later(() => {
        this.history.push({ ...shared, result, end: ++this.clock });
        then(result);
      });
    });
  }

  private happen(key: string, action: Action): Result {
    const state = this.states.get(key) ?? null;
    const next = apply(state, { action } as Operation) ?? null;
    if (next !== state) this.versions.set(key, this.version(key) + 1);
    this.states.set(key, next);
    switch (action[0]) {
      case 'GET':
        return state;
      case 'LRANGE':
        return state ?? '';
      case 'INCR':
        return next;
      case 'RPUSH':
        return String(next!.split(',').length - 1);
      default:
        return 'OK';
    }
  }

  private version(key: string): number {
    return this.versions.get(key) ?? 0;
  }

  private later(run: () => void): void {
    const at = this.now + 1 + this.random.below(STEP_MAX);
    const place = this.steps.findIndex((step) => step.at > at);
    this.steps.splice(place < 0 ? this.steps.length : place, 0, { at, run });
  }
}
