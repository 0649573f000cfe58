/** What a server tells of its work. Types only. */
import type { ClientInfo } from './client-types.ts';
import type { ReplyValue } from './local-types.ts';

/** A command that a client has sent. */
export interface RecordedCommand {
  readonly client: ClientInfo;
  /** Full name in lower case: `get`, `config|set`; what was sent when there is no such command. */
  readonly name: string;
  /** Arguments without the name. */
  readonly args: readonly string[];
  /** Its reply as `exec` would give it, an error as ReplyError; undefined while there is none. */
  readonly reply: ReplyValue | undefined;
  /** How long it ran, ms. */
  readonly ms: number;
}

export interface RecorderOptions {
  /** Only commands of these names. */
  readonly commands?: readonly string[];
  /** Keeps the latest so many; default 10000. */
  readonly max?: number;
}

/** Commands as they came. Stops when it is disposed of. */
export interface Recorder extends Disposable {
  readonly commands: readonly RecordedCommand[];
  /** Those of a name. */
  of(name: string): RecordedCommand[];
  clear(): void;
  stop(): void;
}

/** Events of a server, told when the command or connection that causes them is done with. */
export interface ServerEvents {
  command(command: RecordedCommand): void;
  connect(client: ClientInfo): void;
  disconnect(client: ClientInfo): void;
  /** An error reply was sent. */
  error(error: Error, command: RecordedCommand): void;
  close(): void;
}
