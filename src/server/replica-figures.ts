/**
 * What there is to tell of replicas: how many have come how far, INFO's and ROLE's lines.
 */
import type { ShownReplica } from '../commands/ports/replication.ts';
import { type ReplicaPeer, shownPhases } from '../replication/replica-peer.ts';
import type { Session } from '../session/session.ts';
import type { InfoLine } from './info.ts';
import { hostOf } from './replica-name.ts';

/** Online ones of which something holds. O(sessions). */
export function countOnline(
  sessions: Iterable<Session>,
  holds: (peer: ReplicaPeer) => boolean,
): number {
  let count = 0;
  for (const { replica } of sessions) if (replica!.isOnline && holds(replica!)) count++;
  return count;
}

/** Online ones, as ROLE has them. */
export function shownReplicas(sessions: Iterable<Session>): ShownReplica[] {
  return [...sessions]
    .filter(({ replica }) => replica!.isOnline)
    .map((session) => ({
      host: hostOf(session),
      port: session.replica!.listeningPort,
      offset: session.replica!.ackOffset,
    }));
}

/** INFO's `slaveN` lines. */
export function replicaLines(sessions: Iterable<Session>, nowMs: number): InfoLine[] {
  return [...sessions].map((session, i) => {
    const { listeningPort, phase, ackOffset, ackMs, isOnline } = session.replica!;
    const lag = isOnline ? secondsBetween(ackMs, nowMs) : 0;
    const where = `ip=${hostOf(session)},port=${listeningPort}`;
    return [`slave${i}`, `${where},state=${shownPhases[phase]},offset=${ackOffset},lag=${lag}`];
  });
}

/** From second to second, fractions dropped, as Redis counts. */
export function secondsBetween(fromMs: number, toMs: number): number {
  return Math.max(0, Math.floor(toMs / 1000) - Math.floor(fromMs / 1000));
}
