/**
 * Commands that may write into the arena without telling of a change, each with the reason. Every
 * other command that does so fails the test in whose server it ran: such a write would be lost to
 * the journal, to WATCH and to client-side caching.
 */
const built = 'builds its result in the arena and frees it when nothing is to be stored';
const emptied = 'an empty database gets a new table';
const widened = 'a number becomes bytes, or a string longer, before it is seen that no bit changes';
const statistic = 'counts what clients asked for: no data';

const REASONS: Readonly<Record<string, string>> = {
  ...because(built, 'zunion zinter zdiff zunionstore zinterstore zdiffstore sdiff sunion sinter'),
  ...because(built, 'sdiffstore sunionstore sinterstore restore georadius georadiusbymember'),
  ...because(built, 'geosearchstore zrangestore sort copy'),
  ...because(emptied, 'flushall flushdb'),
  ...because(widened, 'setbit bitfield'),
  ...because(statistic, 'xadd'),
  ...because('entries read again are counted: not handed on, as in redis-server', 'xreadgroup'),
  ...because('forgets what is too old to be asked for', 'xinfo|stream'),
  ...because('keeps the estimate beside the registers, or their representation', 'pfcount pfdebug'),
  ...because('registers of an element seen before, written as they were', 'pfadd'),
  ...because('runs others, each of which is looked at by itself', 'exec eval evalsha fcall'),
  ...because('changes what it is told to, to see what comes of it', 'debug'),
};

function because(why: string, names: string): Record<string, string> {
  return Object.fromEntries(names.split(' ').map((name) => [name, why]));
}

/** Collects the commands that broke the rule. */
export class SilentWrites {
  private readonly found = new Set<string>();

  /** Told by the server (`ServerHooks.unreportedWrite`). */
  readonly note = (command: string): void => {
    if (REASONS[command] === undefined) this.found.add(command);
  };

  /** Throws when there were any; forgets them. */
  check(): void {
    const names = [...this.found];
    this.found.clear();
    if (names.length > 0) throw new Error(`changed data and told nobody: ${names.join(', ')}`);
  }
}
