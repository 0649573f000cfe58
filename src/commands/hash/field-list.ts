/**
 * The fields that a command has changed, noted while it runs: in the journal's line their number
 * comes before them. While nobody reads the journal they are only counted.
 */
import type { EffectLine } from '../../keyspace/journal.ts';
import type { Args } from '../../util/args.ts';
import type { Context } from '../context.ts';

export class FieldList {
  /** How many fields were added. */
  count = 0;
  private readonly ctx: Context;
  private readonly args: Args;
  private readonly positions: number[] = [];

  /** For the hash whose key is argument 1. */
  constructor(ctx: Context, args: Args) {
    this.ctx = ctx;
    this.args = args;
  }

  /** The field that is argument i was changed. */
  add(i: number): void {
    this.count++;
    if (this.ctx.effectsWanted) this.positions.push(i);
  }

  /** Puts `HDEL key field` into the journal, a line for each field as when fields expire. */
  noteRemovals(): void {
    const { ctx, args } = this;
    ctx.noEffect();
    for (const i of this.positions) ctx.instead('HDEL')?.argument(args, 1).argument(args, i);
  }

  /** Puts `HDEL key field ...` into the journal. */
  noteRemoval(): void {
    const line = this.ctx.instead('HDEL')?.argument(this.args, 1);
    if (line !== undefined) this.append(line);
  }

  /** Puts `HPEXPIREAT key ms FIELDS n field ...` into the journal. */
  noteExpiry(expireAt: number): void {
    const line = this.ctx.instead('HPEXPIREAT')?.argument(this.args, 1).integer(expireAt);
    if (line !== undefined) this.append(line.text('FIELDS').integer(this.count));
  }

  /** Puts `HPERSIST key FIELDS n field ...` into the journal. */
  notePersist(): void {
    const line = this.ctx.instead('HPERSIST')?.argument(this.args, 1);
    if (line !== undefined) this.append(line.text('FIELDS').integer(this.count));
  }

  private append(line: EffectLine): void {
    for (const i of this.positions) line.argument(this.args, i);
  }
}
