/**
 * What the consumer groups of a stream still want of its entries: those that a group has pending,
 * and those that it was not told of yet. For KEEPREF, DELREF and ACKED (Redis 8.2).
 */
import type { StreamGroups } from './stream-groups.ts';
import { StreamId } from './stream-id.ts';

const lastId = new StreamId();
const found = new StreamId();

/** Whether a group has the entry pending or was not told of it. O(groups · log n). */
export function isReferenced(groups: StreamGroups, id: StreamId): boolean {
  return !groups.every((group) => {
    groups.readLastId(group, lastId);
    return id.compare(lastId) <= 0 && groups.findPending(group, id) === 0;
  });
}

/**
 * Removes the pending entries with ids [from, to] from all groups, whether the stream has entries
 * with these ids or not. Returns how many. O(groups · removed · log n).
 */
export function dropReferences(groups: StreamGroups, from: StreamId, to: StreamId): number {
  const { pending } = groups;
  let removed = 0;
  groups.every((group) => {
    while (groups.seekPending(group, from)) {
      pending.readId(pending.at, found);
      if (found.compare(to) > 0) break;
      groups.removePending(group, pending.at);
      removed++;
    }
    return true;
  });
  return removed;
}
