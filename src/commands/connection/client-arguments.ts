/**
 * What names and selects clients: client names and types as arguments.
 */
import type { Args } from '../../util/args.ts';
import { CommandError } from '../../util/errors.ts';
import { heapGuard } from '../../util/heap-guard.ts';
import type { SessionPort } from '../ports/session.ts';

const badName = new CommandError(
  'ERR Client names cannot contain spaces, newlines or special characters.',
);
const types = new Map<string, SessionPort['type']>([
  ['normal', 'normal'],
  ['slave', 'replica'],
  ['replica', 'replica'],
  ['pubsub', 'pubsub'],
  ['master', 'master'],
]);

/** Whether every byte of a text can be seen: no blanks, no control characters, ASCII only. */
export function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 33 || c > 126) return false;
  }
  return true;
}

/** Argument i as a client name; throws when it cannot be one. */
export function clientName(args: Args, i: number): string {
  heapGuard.require(args.len[i]!);
  const name = args.latin1(i);
  if (!isPrintable(name)) throw badName;
  return name;
}

/** Argument i as a client type. */
export function typeArgument(args: Args, i: number): SessionPort['type'] {
  const name = args.cString(i);
  const type = types.get(name.toLowerCase());
  if (type === undefined) throw new CommandError(`ERR Unknown client type '${name}'`);
  return type;
}
