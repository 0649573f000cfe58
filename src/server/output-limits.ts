/**
 * client-output-buffer-limit: how much unsent output a client may pile up before it is
 * disconnected, so that one slow reader cannot take the server's memory.
 */
import type { ConfigPort } from '../commands/ports/config.ts';
import type { Client } from '../session/client.ts';

/** A client that has not authenticated gets this much and no more (CVE-2025-21605). */
const UNAUTHENTICATED_BYTES = 1024;

interface Limit {
  hardBytes: number;
  softBytes: number;
  softMs: number;
}

export class OutputLimits {
  private readonly limits = new Map<string, Limit>();
  /** The hard limits of clients that send requests, 0 for none: what one reply may grow to. */
  normalHardBytes = 0;
  pubsubHardBytes = 0;

  /** repl-backlog-size: so much may lie before a replica, since it is kept anyway. */
  backlogBytes = 0;

  /** Takes over the directive's value: class, hard, soft, seconds, repeated. */
  update(config: ConfigPort): void {
    this.backlogBytes = config.number('repl-backlog-size');
    const words = config.string('client-output-buffer-limit').split(' ');
    for (let i = 0; i + 3 < words.length; i += 4) {
      // The directive has kept the old name of replicas.
      this.limits.set(words[i] === 'slave' ? 'replica' : words[i]!, {
        hardBytes: Number(words[i + 1]),
        softBytes: Number(words[i + 2]),
        softMs: Number(words[i + 3]) * 1000,
      });
    }
    this.normalHardBytes = this.limits.get('normal')?.hardBytes ?? 0;
    this.pubsubHardBytes = this.limits.get('pubsub')?.hardBytes ?? 0;
  }

  /** Whether a session must be cut because of what it has not read. O(1). */
  exceeded(client: Client, unsent: number, nowMs: number, mustAuthenticate: boolean): boolean {
    if (mustAuthenticate && !client.authenticated) return unsent > UNAUTHENTICATED_BYTES;
    const limit = this.limits.get(client.type);
    if (limit === undefined) return false;
    if (limit.hardBytes > 0 && unsent > this.hardBytes(client, limit)) return true;
    if (limit.softBytes === 0 || unsent <= limit.softBytes) {
      client.softLimitSinceMs = 0;
      return false;
    }
    if (client.softLimitSinceMs === 0) client.softLimitSinceMs = nowMs;
    return nowMs - client.softLimitSinceMs > limit.softMs;
  }

  private hardBytes(client: Client, { hardBytes }: Limit): number {
    return client.type === 'replica' ? Math.max(hardBytes, this.backlogBytes) : hardBytes;
  }
}
