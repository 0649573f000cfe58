/**
 * What a replica says to its master before data flows, and how it reads the answers. Pure: it sends
 * nothing itself. Source: replication.c of redis-server 7.0.15 (behaviour, captured on the wire).
 */
import { isReplicationId } from './identity.ts';

/** How a replica introduces itself. */
export interface Introduction {
  /** For AUTH; undefined where none is sent. */
  readonly password: string | undefined;
  /** Empty for the default user. */
  readonly user: string;
  readonly port: number;
  /** Address to be told to others; empty where the master sees it. */
  readonly announcedIp: string;
}

/** A request of the introduction; what follows when it is refused. */
export interface Step {
  readonly words: readonly string[];
  readonly isFatal: boolean;
}

/** What is sent after PING, in this order, without waiting for the replies one by one. */
export function introductionSteps(who: Introduction): Step[] {
  const steps: Step[] = [];
  if (who.password !== undefined) {
    const words = who.user === '' ? ['AUTH', who.password] : ['AUTH', who.user, who.password];
    steps.push({ words, isFatal: true });
  }
  const replconf = (...words: string[]) =>
    steps.push({ words: ['REPLCONF', ...words], isFatal: false });
  replconf('listening-port', String(who.port));
  if (who.announcedIp !== '') replconf('ip-address', who.announcedIp);
  replconf('capa', 'eof', 'capa', 'psync2');
  return steps;
}

/** Whether a master that answers PING so may be talked to. */
export function isAlive(reply: string): boolean {
  if (reply.startsWith('+')) return true;
  return ['-NOAUTH', '-NOPERM', '-ERR operation not permitted'].some((text) =>
    reply.startsWith(text),
  );
}

/** Where in a history a replica wants to go on. */
export interface SyncRequest {
  readonly replid: string;
  /** First byte that it lacks. */
  readonly offset: number;
}

/** The request for a sync; nothing to go on from asks for everything. */
export function psyncWords(from: SyncRequest | undefined, isFailover: boolean): string[] {
  const words = ['PSYNC', from?.replid ?? '?', String(from?.offset ?? -1)];
  return isFailover ? [...words, 'FAILOVER'] : words;
}

/** What a reply to PSYNC means. */
export type SyncReply =
  | { readonly kind: 'full'; readonly replid: string; readonly offset: number }
  /** `replid` is undefined when the history keeps its id. */
  | { readonly kind: 'continue'; readonly replid: string | undefined }
  | { readonly kind: 'later' }
  /** The master knows no PSYNC. */
  | { readonly kind: 'unsupported' }
  /** It makes no sense. */
  | { readonly kind: 'wrong' };

export function readSyncReply(line: string): SyncReply {
  const [word = '', first = '', second = ''] = line.split(' ');
  if (word === '+FULLRESYNC') {
    const offset = /^\d{1,15}$/.test(second) ? Number(second) : Number.NaN;
    if (!isReplicationId(first) || Number.isNaN(offset)) return { kind: 'wrong' };
    return { kind: 'full', replid: first.toLowerCase(), offset };
  }
  if (word === '+CONTINUE') {
    const replid = isReplicationId(first) ? first.toLowerCase() : undefined;
    return { kind: 'continue', replid };
  }
  if (word === '-NOMASTERLINK' || word === '-LOADING') return { kind: 'later' };
  return { kind: 'unsupported' };
}
