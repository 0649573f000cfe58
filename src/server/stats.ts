/**
 * The counters that INFO shows, and the per-second rates that the cron samples.
 */

/** A counter's change per second over the latest 16 samples. */
class Rate {
  perSecond = 0;
  private readonly samples = new Float64Array(16);
  private next = 0;
  private lastValue = 0;
  private lastMs = 0;

  sample(value: number, nowMs: number): void {
    const elapsed = nowMs - this.lastMs;
    if (elapsed <= 0) return;
    this.samples[this.next] = this.lastMs === 0 ? 0 : ((value - this.lastValue) * 1000) / elapsed;
    this.next = (this.next + 1) % this.samples.length;
    this.lastValue = value;
    this.lastMs = nowMs;
    let sum = 0;
    for (const s of this.samples) sum += s;
    this.perSecond = Math.max(0, Math.floor(sum / this.samples.length));
  }

  restart(): void {
    this.samples.fill(0);
    this.lastValue = 0;
    this.lastMs = 0;
    this.perSecond = 0;
  }
}

/** Characters of the longest code. */
const CODE_MAX = 30;

/** What CONFIG RESETSTAT sets to 0. */
class Counters {
  commandsProcessed = 0;
  connectionsReceived = 0;
  rejectedConnections = 0;
  netInputBytes = 0;
  netOutputBytes = 0;
  netReplicationInputBytes = 0;
  netReplicationOutputBytes = 0;
  syncFull = 0;
  syncPartialOk = 0;
  syncPartialErr = 0;
  errorReplies = 0;
  /** Errors of commands that a master or an append-only file has sent. */
  unexpectedErrors = 0;
  readsProcessed = 0;
  writesProcessed = 0;
  evictedClients = 0;
  clientOutputLimitDisconnections = 0;
  clientQueryLimitDisconnections = 0;
  aclDeniedAuth = 0;
  aclDeniedCommand = 0;
  aclDeniedKey = 0;
  aclDeniedChannel = 0;
  aclDeniedTlsCert = 0;
  expireCycleMicroseconds = 0;
  expireTimeCapReached = 0;
}

export class Stats extends Counters {
  /** Errors by their code (`ERR`, `WRONGTYPE`, …). */
  readonly errorCodes = new Map<string, number>();
  readonly commands = new Rate();
  readonly input = new Rate();
  readonly output = new Rate();
  readonly replicationInput = new Rate();
  readonly replicationOutput = new Rate();

  /** Counts an error reply by its first word. */
  countError(line: string): void {
    this.errorReplies++;
    const space = line.indexOf(' ');
    // A script may say what it likes: as with redis-server 7.0.15, a code is a short first word.
    const code = space < 0 || space > CODE_MAX ? 'ERR' : line.slice(0, space);
    const count = this.errorCodes.get(code);
    if (count !== undefined) this.errorCodes.set(code, count + 1);
    else if (this.errorCodes.size < 128) this.errorCodes.set(code, 1);
  }

  sample(nowMs: number): void {
    this.commands.sample(this.commandsProcessed, nowMs);
    this.input.sample(this.netInputBytes, nowMs);
    this.output.sample(this.netOutputBytes, nowMs);
    this.replicationInput.sample(this.netReplicationInputBytes, nowMs);
    this.replicationOutput.sample(this.netReplicationOutputBytes, nowMs);
  }

  /** CONFIG RESETSTAT. */
  reset(): void {
    Object.assign(this, new Counters());
    this.errorCodes.clear();
    this.commands.restart();
    this.input.restart();
    this.output.restart();
    this.replicationInput.restart();
    this.replicationOutput.restart();
  }
}
