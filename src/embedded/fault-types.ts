/** What faults are made of. Types only. */
import type { ClientInfo } from './client-types.ts';

/** Which requests: all that is named must hold. An empty match is every request. */
export interface Match {
  /** Name of a command, or names; with its subcommand as `config|set`. Case does not matter. */
  readonly command?: string | readonly string[];
  /** One of the command's keys: this very key, or a pattern. */
  readonly key?: string | RegExp;
  /** The client's name or id, or a function. */
  readonly client?: string | number | ((client: ClientInfo) => boolean);
  /** For so many requests, then no more. */
  readonly times?: number;
  /** Of those that match, this share; `random` of the server decides. */
  readonly probability?: number;
}

/** What happens to them, after `delayMs` if that is given; one of the rest, or nothing else. */
export interface Effect {
  /** The request runs so much later, what else the client sends after it. */
  readonly delayMs?: number;
  /** Answers with this error (`'LOADING Redis is loading …'`) and runs nothing. */
  readonly error?: string;
  /**
   * Ends the connection: `true` or `'before'` the command runs, `'after'` it has run, so that the
   * client cannot know.
   */
  readonly drop?: boolean | 'before' | 'after';
  /** Runs nothing and answers nothing. */
  readonly noReply?: boolean;
  /** Answers with these bytes of RESP and runs nothing. */
  readonly raw?: string | Uint8Array;
}

/** A fault that is in force until it is disposed of. */
export interface Injection extends Disposable {
  /** Requests that it has hit. */
  readonly hits: number;
  dispose(): void;
}

export interface SlowReplies {
  /** Bytes of a piece at most; default 8. */
  readonly bytes?: number;
  /** Between pieces, ms; default 1. */
  readonly delayMs?: number;
}
