/**
 * What SLOWLOG and COMMANDLOG share: how entries are answered, and which counts are refused.
 */
import type { Reply } from '../../resp/reply.ts';
import { CommandError } from '../../util/errors.ts';
import type { SlowEntry } from '../ports/observation.ts';

export const badCount = new CommandError('ERR count should be greater than or equal to -1');

/** Entries of a log, as SLOWLOG GET and COMMANDLOG GET answer them. */
export function writeEntries(reply: Reply, entries: readonly SlowEntry[]): void {
  reply.array(entries.length);
  for (const entry of entries) {
    reply.array(6);
    reply.int(entry.id);
    reply.int(entry.seconds);
    reply.int(entry.amount);
    reply.array(entry.args.length);
    for (const arg of entry.args) reply.bulk(arg, 0, arg.length);
    reply.bulkLatin1(entry.address);
    reply.bulkLatin1(entry.name);
  }
}
