/**
 * `oom-score-adj`: how willingly the kernel ends this process when memory runs out, by role.
 *
 * What the score was is read when the directive is switched on, and comes back when it is switched
 * off: whoever starts the server may change it until then. Source: redis-server 7.0.15
 * (setOOMScoreAdj), whose children have a score of their own; there are none here.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { systemReason } from '../config/special-values.ts';
import { CommandError } from '../util/errors.ts';
import type { LogLevel } from './log.ts';

const FILE = '/proc/self/oom_score_adj';
const MIN = -1000;
const MAX = 1000;

const refused = new CommandError('ERR Failed to set current oom_score_adj. Check server logs.');

export interface OomScoreParts {
  readonly config: Config;
  readonly isReplica: () => boolean;
  readonly log: (level: LogLevel, message: string) => void;
  /** Where the score is (tests). */
  readonly file?: string;
}

export class OomScore {
  private readonly parts: OomScoreParts;
  private readonly file: string;
  /** What the score was; undefined while it is left alone. */
  private base: number | undefined = undefined;

  constructor(parts: OomScoreParts) {
    this.parts = parts;
    this.file = parts.file ?? FILE;
  }

  /** Sets the score that the directives and the role ask for. Throws CommandError. */
  apply(): void {
    const { config, isReplica } = this.parts;
    const mode = config.string('oom-score-adj');
    if (mode === 'no') {
      const { base } = this;
      this.base = undefined;
      if (base !== undefined) this.attempt('write', () => this.write(base));
      return;
    }
    if (this.base === undefined) {
      // Even when it cannot be read: what is written then has something to go back to.
      this.base = 0;
      this.attempt('read', () => {
        this.base = Number.parseInt(readFileSync(this.file, 'latin1'), 10);
      });
    }
    const values = config.string('oom-score-adj-values').split(' ');
    const value = Number(values[isReplica() ? 1 : 0]);
    const score = mode === 'absolute' ? value : value + this.base;
    this.attempt('write', () => this.write(Math.min(MAX, Math.max(MIN, score))));
  }

  /** The role may have changed: as `apply`, but what fails is only in the log. */
  follow(): void {
    try {
      this.apply();
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
    }
  }

  private write(score: number): void {
    writeFileSync(this.file, `${score}\n`);
  }

  private attempt(what: 'read' | 'write', run: () => void): void {
    try {
      run();
    } catch (error) {
      this.parts.log('warning', `Unable to ${what} oom_score_adj: ${systemReason(error)}`);
      throw refused;
    }
  }
}
