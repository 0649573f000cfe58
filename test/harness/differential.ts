/**
 * Runs scripts against two servers and reports every reply in which they differ.
 *
 * The pair is any two servers: ours and the oracle, or, for the harness's own tests, two oracles.
 */

import { type ComparedReply, filtered, sameReplies } from './compare.ts';
import { Connection, type RawReply } from './connection.ts';
import { encodeCommand, format, quote, type Reply, textOf } from './reply.ts';
import type { Script, Step } from './script.ts';

/** What the runner needs of a server. */
export interface Target {
  readonly name: string;
  readonly port: number;
  readonly log: string;
}

export interface Pair {
  readonly ours: Target;
  readonly oracle: Target;
}

/** A reviewed reason why a difference is right. All patterns given must match. */
export interface AllowedDifference {
  /** Name of the script; every script when absent. */
  readonly script?: string;
  /** Matched against the line of the command. */
  readonly command: RegExp;
  /** Matched against our reply as `format` shows it. */
  readonly ours?: RegExp;
  /** Matched against the oracle's reply. */
  readonly oracle?: RegExp;
  /** Seen by the generator only, so scripts need not have needed it. */
  readonly generated?: boolean;
  readonly why: string;
}

export interface Difference {
  readonly script: string;
  readonly protocol: 2 | 3;
  readonly line: number;
  readonly text: string;
  /** Values of the loops around the line. */
  readonly loops: string;
  readonly ours: string;
  readonly oracle: string;
}

export interface RunOptions {
  readonly allowed?: readonly AllowedDifference[];
  /** Collects the entries of `allowed` that were needed. */
  readonly used?: Set<AllowedDifference>;
  /** Two oracles: `@expect` steps, which speak of our server only, are left out. */
  readonly selfTest?: boolean;
  /**
   * Commands of one connection that follow each other are sent together: a few processor seconds
   * instead of a minute. Not in a script that awaits messages, which may come at the end of a turn.
   */
  readonly pipelined?: boolean;
  /** Gets every step with the oracle's replies: what a script does, for who writes it. */
  readonly trace?: (step: Step, replies: readonly string[]) => void;
  /** Awaited when both databases have been emptied. */
  readonly afterStart?: () => Promise<void>;
  /**
   * Awaited when both servers have replied to a step, or ours has to one of ours only. Not with
   * `pipelined`.
   */
  readonly afterStep?: (step: Step) => Promise<void>;
}

/** A difference ends a script when so many have been found: what follows are echoes. */
const DIFFERENCES_MAX = 25;
const UNTIL_TIMEOUT_MS = 10_000;
/** Commands that are sent together at most. */
const PIPELINE_MAX = 50;
/** What `@arrived` sends as PING's message. */
const LAST_WORD = '(no more)';

/** Runs one script in one protocol version over an emptied pair. */
export async function runScript(
  pair: Pair,
  script: Script,
  protocol: 2 | 3,
  options: RunOptions = {},
): Promise<Difference[]> {
  const run = new Run(pair, script, protocol, options);
  try {
    await run.start();
    await options.afterStart?.();
    for (const batch of options.pipelined === true ? batches(script) : singles(script)) {
      if (run.differences.length >= DIFFERENCES_MAX) break;
      const goesOn = await (batch.length > 1 ? run.pipeline(batch) : run.step(batch[0]!));
      await options.afterStep?.(batch[0]!);
      if (!goesOn) break;
    }
    run.findUnread();
  } finally {
    await run.close();
  }
  return run.differences;
}

/** Every step alone. */
function singles(script: Script): readonly (readonly Step[])[] {
  return script.steps.map((step) => [step]);
}

/** The steps in their order; together what one connection can send without looking at replies. */
function batches(script: Script): readonly (readonly Step[])[] {
  if (!script.pipelines || script.steps.some(awaitsMessages)) return singles(script);
  const all: Step[][] = [];
  let last: Step[] = [];
  for (const step of script.steps) {
    const first = last[0];
    const fits =
      first !== undefined &&
      first.connection === step.connection &&
      last.length < PIPELINE_MAX &&
      isPlain(first) &&
      isPlain(step);
    if (fits) {
      last.push(step);
      continue;
    }
    last = [step];
    all.push(last);
  }
  return all;
}

function awaitsMessages({ action, blocks, replies }: Step): boolean {
  return action.kind === 'receive' || action.kind === 'arrived' || blocks || replies > 1;
}

/** A command with one reply, which can be sent before the replies to those before it are there. */
function isPlain({ action, comparison, replies, closes, until, scan, save }: Step): boolean {
  if (action.kind !== 'command' || comparison.kind === 'expect' || replies !== 1) return false;
  if (closes || until !== undefined || scan || save !== undefined) return false;
  // How much time is left is asked of both servers at once: none may still be busy.
  if (/^p?ttl$/i.test(String(action.argv[0]))) return false;
  return !action.argv.some((arg) => arg.includes('<saved:'));
}

/** The entry of the allow-list that covers a difference. */
export function findAllowed(
  allowed: readonly AllowedDifference[],
  script: string,
  text: string,
  ours: string,
  oracle: string,
): AllowedDifference | undefined {
  return allowed.find(
    (entry) =>
      (entry.script === undefined || entry.script === script) &&
      entry.command.test(text) &&
      (entry.ours === undefined || entry.ours.test(ours)) &&
      (entry.oracle === undefined || entry.oracle.test(oracle)),
  );
}

/** Differences as text: where, what was sent, and both replies. */
export function report(differences: readonly Difference[]): string {
  return differences
    .map(({ script, protocol, line, text, loops, ours, oracle }) =>
      [
        `${script}:${line} (RESP${protocol})  ${text}${loops === '' ? '' : `   (${loops})`}`,
        `  ours:   ${ours.replaceAll('\n', '\n          ')}`,
        `  oracle: ${oracle.replaceAll('\n', '\n          ')}`,
      ].join('\n'),
    )
    .join('\n');
}

/** The names among `commands` that a server does not know. */
export async function missingCommands(
  target: Target,
  commands: readonly string[],
): Promise<string[]> {
  if (commands.length === 0) return [];
  const connection = await Connection.open(target.port);
  const missing: string[] = [];
  for (const name of commands) {
    const reply = await connection.call(...name.split('|'));
    if (/^ERR unknown (sub)?command/i.test(textOf(reply) ?? '')) missing.push(name);
  }
  await connection.end();
  return missing;
}

class Run {
  readonly differences: Difference[] = [];
  private readonly pair: Pair;
  private readonly script: Script;
  private readonly protocol: 2 | 3;
  private readonly options: RunOptions;
  /** Open connections by their number in the script: ours and the oracle's. */
  private readonly connections = new Map<number, readonly [Connection, Connection]>();

  /** What `@save` kept: of ours and of the oracle. */
  private readonly saved: readonly Map<string, string>[] = [new Map(), new Map()];
  /** Connections of the runner's own, for what `@blocks` has to know. */
  private readonly observers: Connection[] = [];

  constructor(pair: Pair, script: Script, protocol: 2 | 3, options: RunOptions) {
    this.pair = pair;
    this.script = script;
    this.protocol = protocol;
    this.options = options;
  }

  async start(): Promise<void> {
    for (const { port } of [this.pair.ours, this.pair.oracle]) {
      const connection = await Connection.open(port);
      await connection.text('FLUSHALL');
      await connection.end();
    }
  }

  async close(): Promise<void> {
    const all = [...[...this.connections.values()].flat(), ...this.observers];
    await Promise.all(all.map((one) => one.end()));
  }

  /** Replies that no step has awaited: such a script compares one command's with another's. */
  findUnread(): void {
    const last = this.script.steps.at(-1);
    if (last === undefined || this.differences.length > 0) return;
    for (const [connection, both] of this.connections) {
      const [ours, oracle] = both.map((one) => shown(one.unread));
      if (both.some((one) => one.hasReply)) {
        const step = { ...last, text: `(left unread on connection ${connection})` };
        this.add(step, ours!, oracle!);
      }
    }
  }

  /** Answers whether the script can go on. */
  async step(step: Step): Promise<boolean> {
    if (step.comparison.kind === 'expect') return this.expectStep(step);
    const both = await this.connection(step.connection);
    if (step.action.kind === 'disconnect') {
      await Promise.all(both.map((one) => one.end()));
      this.connections.delete(step.connection);
      return true;
    }
    const before = step.blocks ? await this.blockedClients() : [];
    const results = await Promise.all(
      both.map((one, side) => exchange(one, withSaved(step, this.saved[side]!))),
    );
    const [ours, oracle] = [results[0]!, results[1]!];
    if (step.blocks && !(await this.waitUntilBlocked(step, both, before))) return false;
    if (step.save !== undefined) {
      for (const [side, { replies }] of results.entries()) {
        this.saved[side]!.set(step.save, textOf(replies[0]?.reply ?? { kind: 'null' }) ?? '');
      }
    }
    return this.settle(step, both, ours, oracle);
  }

  /** Compares what came. Answers whether the script can go on. */
  private settle(
    step: Step,
    both: readonly Connection[],
    ours: Exchange,
    oracle: Exchange,
  ): boolean {
    this.options.trace?.(step, oracle.replies.map(shown));
    const count = Math.max(ours.replies.length, oracle.replies.length);
    const [mine, theirs] = this.withMessagesLast(step, ours.replies, oracle.replies);
    for (let i = 0; i < count; i++) this.compare(step, mine[i], theirs[i]);
    // When both fail alike the script is wrong: it awaits replies that never come.
    if (ours.failure !== undefined || oracle.failure !== undefined) {
      const log = oracle.failure === undefined ? `\n${this.pair.ours.log.slice(-1500)}` : '';
      this.add(
        step,
        ours.failure === undefined ? '(no failure)' : `(no reply) ${ours.failure}${log}`,
        oracle.failure === undefined ? '(no failure)' : `(no reply) ${oracle.failure}`,
      );
    }
    if (both.some((one) => !one.isOpen)) {
      for (const one of both) one.close();
      this.connections.delete(step.connection);
    }
    // A reply that did not come leaves the two out of step: everything after it would differ.
    return ours.failure === undefined && oracle.failure === undefined;
  }

  /** Sends plain steps of one connection at once. Answers whether the script can go on. */
  async pipeline(steps: readonly Step[]): Promise<boolean> {
    const both = await this.connection(steps[0]!.connection);
    const bytes = Buffer.concat(
      steps.map(({ action }) => ('argv' in action ? encodeCommand(action.argv) : Buffer.of())),
    );
    for (const one of both) one.write(bytes);
    for (const step of steps) {
      const [ours, oracle] = await Promise.all(both.map((one) => taken(one, 1)));
      if (!this.settle(step, both, ours!, oracle!)) return false;
    }
    return true;
  }

  /** How many clients wait in blocking commands, on each server. */
  private async blockedClients(): Promise<number[]> {
    if (this.observers.length === 0) {
      const { ours, oracle } = this.pair;
      this.observers.push(await Connection.open(ours.port), await Connection.open(oracle.port));
    }
    const texts = await Promise.all(this.observers.map((one) => one.text('INFO', 'clients')));
    return texts.map((text) => Number(/^blocked_clients:(\d+)/m.exec(text)?.[1] ?? 'NaN'));
  }

  /** Reports, and answers false, when one of the two replies instead of blocking. */
  private async waitUntilBlocked(
    step: Step,
    both: readonly Connection[],
    before: readonly number[],
  ): Promise<boolean> {
    const deadline = Date.now() + UNTIL_TIMEOUT_MS;
    for (;;) {
      const now = await this.blockedClients();
      const blocked = now.map((count, side) => count > before[side]!);
      if (blocked.every(Boolean)) return true;
      const settled = both.every((one, side) => one.hasReply || blocked[side]);
      if (settled || Date.now() > deadline) {
        const [ours, oracle] = await Promise.all(
          both.map(async (one, side) => {
            if (one.hasReply) return `(does not block) ${shown(await one.receive())}`;
            return blocked[side] ? '(blocks)' : '(neither blocks nor replies)';
          }),
        );
        this.add(step, ours!, oracle!);
        return false;
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** A command that the oracle does not know: our reply against the script's own text. */
  private async expectStep(step: Step): Promise<boolean> {
    if (this.options.selfTest === true) return true;
    const [mine] = await this.connection(step.connection);
    const { replies, failure } = await exchange(mine, withSaved(step, this.saved[0]!));
    const reply = replies[0];
    const wanted = step.comparison.kind === 'expect' ? step.comparison.text : '';
    const shown =
      reply === undefined ? (failure ?? '(no reply)') : format(filter(reply, step).reply);
    if (shown !== wanted) this.add(step, shown, `(expected by the script) ${wanted}`);
    return failure === undefined;
  }

  private async connection(number: number): Promise<readonly [Connection, Connection]> {
    const open = this.connections.get(number);
    if (open !== undefined) return open;
    const both = [
      await Connection.open(this.pair.ours.port),
      await Connection.open(this.pair.oracle.port),
    ] as const;
    if (this.protocol === 3) for (const one of both) await one.call('HELLO', '3');
    this.connections.set(number, both);
    return both;
  }

  /**
   * Messages that a command causes to its own client come after its reply here, as in Redis 7.2;
   * 7.0.15 has them before it. Where the two are the same but for that, the oracle's are put last.
   */
  private withMessagesLast(
    step: Step,
    ours: readonly RawReply[],
    oracle: readonly RawReply[],
  ): readonly [readonly RawReply[], readonly RawReply[]] {
    if (oracle.length < 2) return [ours, oracle];
    const moved = [...oracle].sort((a, b) => Number(isMessage(a)) - Number(isMessage(b)));
    const same = moved.every((reply, i) => {
      const mine = ours[i];
      return (
        mine !== undefined && sameReplies(filter(mine, step), filter(reply, step), step.comparison)
      );
    });
    return same ? [ours, moved] : [ours, oracle];
  }

  private compare(step: Step, ours: RawReply | undefined, oracle: RawReply | undefined): void {
    if (ours === undefined || oracle === undefined) {
      this.add(step, shown(ours), shown(oracle));
      return;
    }
    const [mine, theirs] = [filter(ours, step), filter(oracle, step)];
    if (!sameReplies(mine, theirs, step.comparison)) this.add(step, shown(mine), shown(theirs));
  }

  private add(step: Step, ours: string, oracle: string): void {
    const script = this.script.name;
    let [left, right] = [ours, oracle];
    const allowed = findAllowed(this.options.allowed ?? [], script, step.text, ours, oracle);
    if (allowed !== undefined) {
      this.options.used?.add(allowed);
      return;
    }
    if (left === right) [left, right] = [`${left} (other type or bytes)`, right];
    this.differences.push({
      ...{
        script,
        protocol: this.protocol,
        line: step.line,
        text: quote(Buffer.from(step.text)).slice(1, -1),
        loops: quote(Buffer.from(step.loops)).slice(1, -1),
      },
      ...{ ours: left, oracle: right },
    });
  }
}

interface Exchange {
  readonly replies: readonly RawReply[];
  /** Why replies are missing. */
  readonly failure: string | undefined;
}

async function exchange(connection: Connection, step: Step): Promise<Exchange> {
  const replies: RawReply[] = [];
  try {
    if (step.scan) return { replies: [await scanAll(connection, step)], failure: undefined };
    if (step.action.kind === 'arrived') {
      return { replies: [await untilPong(connection)], failure: undefined };
    }
    const deadline = Date.now() + UNTIL_TIMEOUT_MS;
    for (;;) {
      send(connection, step);
      for (let i = 0; i < step.replies; i++) replies.push(await connection.receive());
      const [first] = replies;
      if (step.until === undefined || first === undefined) break;
      if (step.until.test(format(first.reply)) || Date.now() > deadline) break;
      replies.length = 0;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (step.closes) {
      const extra = await connection.closed();
      for (let i = 0; i < extra; i++) replies.push(await connection.receive());
    }
    return { replies, failure: undefined };
  } catch (error) {
    return { replies, failure: error instanceof Error ? error.message : String(error) };
  }
}

/** The next replies of what has been sent. */
async function taken(connection: Connection, count: number): Promise<Exchange> {
  const replies: RawReply[] = [];
  try {
    while (replies.length < count) replies.push(await connection.receive());
    return { replies, failure: undefined };
  } catch (error) {
    return { replies, failure: error instanceof Error ? error.message : String(error) };
  }
}

/** All replies that come before the one to a PING, as one list. */
async function untilPong(connection: Connection): Promise<RawReply> {
  const before: RawReply[] = [];
  connection.send('PING', LAST_WORD);
  for (;;) {
    const received = await connection.receive();
    // To a subscriber of RESP2 the reply is a list.
    if ([LAST_WORD, `pong ${LAST_WORD}`].includes(textsOf(received.reply))) {
      return {
        reply: { kind: 'array', items: before.map((one) => one.reply) },
        bytes: Buffer.concat(before.map(({ bytes }) => bytes)),
      };
    }
    before.push(received);
  }
}

function textsOf(reply: Reply): string {
  return 'items' in reply ? reply.items.map(textOf).join(' ') : (textOf(reply) ?? '');
}

/** The step with `<saved:name>` replaced by what this server had answered. */
function withSaved(step: Step, saved: ReadonlyMap<string, string>): Step {
  const { action } = step;
  if (action.kind !== 'command' || saved.size === 0) return step;
  const argv = action.argv.map((arg) => {
    if (!arg.includes('<saved:')) return arg;
    const text = arg
      .toString('latin1')
      .replace(/<saved:(\w+)>/g, (whole, name: string) => saved.get(name) ?? whole);
    return Buffer.from(text, 'latin1');
  });
  return { ...step, action: { kind: 'command', argv } };
}

function send(connection: Connection, { action }: Step): void {
  if (action.kind === 'command') connection.send(...action.argv);
  if (action.kind === 'raw') connection.write(action.bytes);
}

/** Follows a SCAN-like command to its end: all elements, each once, sorted, as one reply. */
async function scanAll(connection: Connection, step: Step): Promise<RawReply> {
  if (step.action.kind !== 'command') throw new Error('@scan needs a command');
  const argv = [...step.action.argv];
  const cursorAt = /^scan$/i.test(String(argv[0])) ? 1 : 2;
  const unit = /^[hz]scan$/i.test(String(argv[0])) ? 2 : 1;
  const found = new Map<string, Buffer>();
  for (let calls = 0; calls < 100_000; calls++) {
    connection.send(...argv);
    const received = await connection.receive();
    if (!('items' in received.reply)) return received;
    const [cursor, elements] = received.reply.items;
    if (cursor === undefined || elements === undefined || !('items' in elements)) return received;
    for (let i = 0; i < elements.items.length; i += unit) {
      const shown = elements.items.slice(i, i + unit).map((item) => format(item));
      found.set(shown.join(' '), Buffer.from(shown.join(' ')));
    }
    const next = textOf(cursor) ?? '0';
    if (next === '0') break;
    argv[cursorAt] = Buffer.from(next);
  }
  const items = [...found.keys()]
    .sort()
    .map((key) => ({ kind: 'bulk', bytes: found.get(key)! }) as const);
  return {
    reply: { kind: 'array', items },
    bytes: Buffer.from([...found.keys()].sort().join('\n')),
  };
}

function filter(raw: RawReply, step: Step): ComparedReply {
  return filtered(raw, step);
}

function shown(reply: ComparedReply | undefined): string {
  return reply === undefined ? '(no reply)' : format(reply.reply);
}

/** Whether a reply is a message rather than the answer to a command. */
function isMessage({ reply }: RawReply): boolean {
  if (reply.kind !== 'push' && reply.kind !== 'array') return false;
  const first = reply.items[0];
  return first !== undefined && /^[ps]?message$/.test(textOf(first) ?? '');
}
