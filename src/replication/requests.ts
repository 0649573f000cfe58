/**
 * Requests that a server itself sends to another one.
 */
/** A request as a RESP array; texts are latin1, so any bytes survive. */
export function encodeRequest(words: readonly string[]): Buffer {
  let text = `*${words.length}\r\n`;
  for (const word of words) text += `$${word.length}\r\n${word}\r\n`;
  return Buffer.from(text, 'latin1');
}
