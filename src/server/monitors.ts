/**
 * MONITOR: sessions that are shown all commands, each as one line once it has run. A line is
 * written once for all of them; arguments that a command calls secret are left out of it.
 * Source: the lines and their order are those of redis-server 7.0.15.
 */
import { type Command, Flag } from '../commands/command-table.ts';
import type { MonitorsPort } from '../commands/ports/clients.ts';
import type { SessionPort } from '../commands/ports/session.ts';
import type { Args } from '../util/args.ts';
import type { Clock } from './clock.ts';

/** Commands that are never shown. */
const HIDDEN = Flag.admin | Flag.skip_monitor;
const QUOTE = 34;
const SPACE = 32;
const REDACTED = Buffer.from('(redacted)');

/** How each byte is shown, and how long that is. */
const shapes: readonly string[] = Array.from({ length: 256 }, (_, byte) => shown(byte));
const widths = Uint8Array.from(shapes, (text) => text.length);

export class Monitors implements MonitorsPort {
  /** How many there are: nothing is to be shown while it is 0. */
  size = 0;
  private readonly sessions = new Set<SessionPort>();
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(session: SessionPort): void {
    session.isMonitor = true;
    this.sessions.add(session);
    this.size = this.sessions.size;
  }

  remove(session: SessionPort): void {
    if (!session.isMonitor) return;
    session.isMonitor = false;
    this.sessions.delete(session);
    this.size = this.sessions.size;
  }

  /**
   * Shows a command that `session` has just run; its own line comes after the reply if that session
   * is a monitor itself. O(bytes of the arguments + monitors).
   */
  show(session: SessionPort, command: Command, args: Args, byScript = false): void {
    if ((command.flagBits & HIDDEN) !== 0) return;
    this.tell(session, byScript ? 'lua' : session.origin, args, command.spec.secrets?.(args) ?? []);
  }

  /** Shows the command a script is about to run for, before those the script calls. */
  showScript(session: SessionPort, args: Args): void {
    if (this.size > 0) this.tell(session, session.origin, args, []);
  }

  private tell(session: SessionPort, origin: string, args: Args, secrets: readonly number[]): void {
    const head = `+${this.timestamp()} [${session.dbIndex} ${origin}]`;
    const line = lineOf(head, args, secrets);
    for (const monitor of this.sessions) {
      if (!monitor.isMuted) monitor.sendMessage(line);
    }
  }

  /** The time in seconds with six decimals. */
  private timestamp(): string {
    const micros = this.clock.micros();
    return `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}`;
  }
}

/** The line: `head`, then each argument in quotes. */
function lineOf(head: string, args: Args, secrets: readonly number[]): Buffer {
  const { buf, off, len, argc } = args;
  let size = head.length + 3 * argc + 2;
  for (let i = 0; i < argc; i++) {
    size += secrets.includes(i) ? REDACTED.length : shownLength(buf, off[i]!, len[i]!);
  }
  const line = Buffer.allocUnsafe(size);
  let p = line.write(head, 0, 'latin1');
  for (let i = 0; i < argc; i++) {
    line[p++] = SPACE;
    line[p++] = QUOTE;
    if (secrets.includes(i)) p += REDACTED.copy(line, p);
    else p = putEscaped(line, p, buf, off[i]!, len[i]!);
    line[p++] = QUOTE;
  }
  line[p++] = 13;
  line[p] = 10;
  return line;
}

function shownLength(buf: Uint8Array, off: number, len: number): number {
  let length = 0;
  for (let i = off; i < off + len; i++) length += widths[buf[i]!]!;
  return length;
}

/** Writes a byte range as it is shown; returns the position after it. */
function putEscaped(out: Buffer, at: number, buf: Uint8Array, off: number, len: number): number {
  let p = at;
  for (let i = off; i < off + len; i++) {
    const byte = buf[i]!;
    if (widths[byte] === 1) out[p++] = byte;
    else p += out.write(shapes[byte]!, p, 'latin1');
  }
  return p;
}

function shown(byte: number): string {
  const char = String.fromCharCode(byte);
  const name = { '\n': 'n', '\r': 'r', '\t': 't', '\x07': 'a', '\b': 'b' }[char];
  if (name !== undefined) return `\\${name}`;
  if (char === '"' || char === '\\') return `\\${char}`;
  if (byte >= 32 && byte < 127) return char;
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}
