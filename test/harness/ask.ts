/**
 * Many small questions to a reference server: sent in batches, answered as raw RESP text.
 */
import type { Connection } from './connection.ts';

const BATCH = 250;

/** One raw reply per command, latin1. Strings are sent as latin1. */
export async function ask(
  connection: Connection,
  commands: readonly (readonly string[])[],
): Promise<string[]> {
  const replies: string[] = [];
  for (let at = 0; at < commands.length; at += BATCH) {
    const batch = commands.slice(at, at + BATCH);
    connection.write(Buffer.from(batch.map(encode).join(''), 'latin1'));
    for (let i = 0; i < batch.length; i++) {
      replies.push((await connection.receive()).bytes.toString('latin1'));
    }
  }
  return replies;
}

function encode(argv: readonly string[]): string {
  return `*${argv.length}\r\n${argv.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
}

/** A bulk string as it comes over the wire. */
export function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}
