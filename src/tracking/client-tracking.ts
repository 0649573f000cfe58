/**
 * One client's part in client-side caching: how it is told of changed keys, from CLIENT TRACKING ON
 * to OFF. Only state; `tracking.ts` acts on it.
 */

/** A client as tracking sees it. */
export interface TrackedClient {
  readonly id: number;
  readonly respVersion: 2 | 3;
  /** `pubsub` while it is subscribed to something. */
  readonly type: string;
  /** Its connection has ended. */
  readonly closed: boolean;
  /** Set while it tracks. */
  tracking: ClientTracking | undefined;
  /** Sends a message that is no reply. The bytes are shared, never written to again. */
  sendMessage(message: Buffer): void;
}

/** The options of CLIENT TRACKING ON, known not to clash. */
export interface TrackingOptions {
  /** Id of the client that gets the messages instead, 0 for none. */
  readonly redirect: number;
  /** Tells of all keys with certain prefixes, read or not. */
  readonly bcast: boolean;
  /** Remembers only what CLIENT CACHING YES announces. */
  readonly optIn: boolean;
  /** Remembers all but what CLIENT CACHING NO announces. */
  readonly optOut: boolean;
  /** Does not tell of the client's own changes. */
  readonly noLoop: boolean;
  /** To be added to those there are, as latin1 text; none in BCAST mode means every key. */
  readonly prefixes: readonly string[];
}

/** What a prefix costs on the heap: measured. */
export function prefixCost(bytes: number): number {
  return 800 + 2 * bytes;
}

/** Where a text stands or would stand among texts in order. */
function placeOf(sorted: readonly string[], text: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class ClientTracking {
  readonly client: TrackedClient;
  redirect = 0;
  bcast = false;
  optIn = false;
  optOut = false;
  noLoop = false;
  /** Bytes that the prefixes take, as if they were nobody else's. */
  prefixBytes = 0;
  private readonly sorted: string[] = [];
  /** CLIENT CACHING was said: the next command is the exception from OPTIN or OPTOUT. */
  caching = false;
  /** A message could not be sent as the client to redirect to is gone. */
  brokenRedirect = false;

  constructor(client: TrackedClient) {
    this.client = client;
  }

  /** In order, as latin1 text. */
  get prefixes(): readonly string[] {
    return this.sorted;
  }

  /** Whether a prefix begins with one of these, or one of these with it. O(log n). */
  overlaps(prefix: string): boolean {
    const { sorted } = this;
    // Of those that do not overlap, one that it begins with is the last before it; only the empty
    // one may stand next to others.
    const at = placeOf(sorted, prefix);
    if (sorted[0] === '' || (at > 0 && prefix.startsWith(sorted[at - 1]!))) return true;
    return at < sorted.length && sorted[at]!.startsWith(prefix);
  }

  /** Replaces the options; prefixes add up. O(new prefixes), each times a move of the others. */
  update(options: TrackingOptions): void {
    this.redirect = options.redirect;
    this.bcast = options.bcast;
    this.optIn = options.optIn;
    this.optOut = options.optOut;
    this.noLoop = options.noLoop;
    this.brokenRedirect = false;
    for (const prefix of options.prefixes) {
      const at = placeOf(this.sorted, prefix);
      if (this.sorted[at] === prefix) continue;
      this.sorted.splice(at, 0, prefix);
      this.prefixBytes += prefixCost(prefix.length);
    }
  }

  /** Whether the keys that the present command reads are to be remembered. */
  get remembers(): boolean {
    if (this.bcast) return false;
    if (this.optIn) return this.caching;
    return !(this.optOut && this.caching);
  }
}
