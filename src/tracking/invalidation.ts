/**
 * Invalidation messages as bytes. One is made once, however many clients it goes to.
 * Source: redis-server 7.0.15.
 */

const CHANNEL = '__redis__:invalidate';
const PUSH = Buffer.from('>2\r\n$10\r\ninvalidate\r\n');
const PUBLISHED = Buffer.from(
  `*3\r\n$7\r\nmessage\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n`,
  'latin1',
);

/** "These keys have changed", in the forms that clients of either protocol version want. */
export class Invalidation {
  private readonly body: Buffer;
  private pushed: Buffer | undefined;
  private published: Buffer | undefined;

  private constructor(body: string) {
    this.body = Buffer.from(body, 'latin1');
  }

  /** Of keys as latin1 text. */
  static of(keys: readonly string[]): Invalidation {
    let body = `*${keys.length}\r\n`;
    for (const key of keys) body += `$${key.length}\r\n${key}\r\n`;
    return new Invalidation(body);
  }

  /**
   * Of all keys. It is the null of the version that the tracking client speaks as it is sent, even
   * where the message goes to another one, as with Redis.
   */
  static readonly ofAll = {
    2: new Invalidation('$-1\r\n'),
    3: new Invalidation('_\r\n'),
  } as const;

  /** RESP3's push. */
  get push(): Buffer {
    this.pushed ??= Buffer.concat([PUSH, this.body]);
    return this.pushed;
  }

  /** The message of a channel, for a subscriber that speaks RESP2. */
  get message(): Buffer {
    this.published ??= Buffer.concat([PUBLISHED, this.body]);
    return this.published;
  }
}

/** The push that tells a client that the one it redirects to is gone. */
export function redirectBroken(id: number): Buffer {
  return Buffer.from(`>2\r\n$21\r\ntracking-redir-broken\r\n:${id}\r\n`, 'latin1');
}
