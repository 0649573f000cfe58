/**
 * Replies as the tests see them: cut out of the byte stream, decoded without loss, shown to a human.
 *
 * The decoder is strict (a byte that RESP does not allow throws) and knows RESP2 and RESP3. It is
 * written independently of src/resp, so that one misunderstanding cannot sit in both.
 */

/** A decoded reply. Text stays bytes; numbers stay as sent. */
export type Reply =
  | { readonly kind: ScalarKind; readonly bytes: Buffer }
  | { readonly kind: 'null' }
  | { readonly kind: NullKind }
  | { readonly kind: AggregateKind; readonly items: readonly Reply[] };

export type ScalarKind =
  | 'simple'
  | 'error'
  | 'integer'
  | 'bulk'
  | 'double'
  | 'boolean'
  | 'bignum'
  | 'verbatim'
  | 'blob-error';
/** RESP2's two nulls; RESP3 has the one `null`. */
export type NullKind = 'null-bulk' | 'null-array';
/**
 * A map's items are key, value, key, value. An attribute's are the same, and last the reply that it
 * belongs to.
 */
export type AggregateKind = 'array' | 'set' | 'map' | 'push' | 'attribute';

const CR = 13;
const LF = 10;

const LINES: Readonly<Record<string, ScalarKind>> = {
  '+': 'simple',
  '-': 'error',
  ':': 'integer',
  ',': 'double',
  '#': 'boolean',
  '(': 'bignum',
};
const BLOBS: Readonly<Record<string, ScalarKind>> = {
  $: 'bulk',
  '=': 'verbatim',
  '!': 'blob-error',
};
const AGGREGATES: Readonly<Record<string, AggregateKind>> = {
  '*': 'array',
  '~': 'set',
  '%': 'map',
  '>': 'push',
  '|': 'attribute',
};

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** Decodes the reply that begins at `at`; undefined when it has not arrived completely. */
export function decode(buffer: Buffer, at = 0): { reply: Reply; end: number } | undefined {
  const lineEnd = buffer.indexOf(LF, at);
  if (lineEnd < 0) return undefined;
  if (lineEnd === at || buffer[lineEnd - 1] !== CR)
    throw complaint('a line without CR', buffer, at);
  const type = String.fromCharCode(buffer[at]!);
  const line = buffer.subarray(at + 1, lineEnd - 1);
  if (line.includes(CR)) throw complaint('CR inside a line', buffer, at);
  const next = lineEnd + 1;
  const scalar = LINES[type];
  if (scalar !== undefined) {
    checkLine(scalar, line.toString('latin1'), buffer, at);
    return { reply: { kind: scalar, bytes: line }, end: next };
  }
  if (type === '_') {
    if (line.length > 0) throw complaint('a null with content', buffer, at);
    return { reply: { kind: 'null' }, end: next };
  }
  const blob = BLOBS[type];
  if (blob !== undefined) {
    const length = lengthOf(line, buffer, at);
    if (length < 0) return { reply: { kind: 'null-bulk' }, end: next };
    const end = next + length;
    if (buffer.length < end + 2) return undefined;
    if (buffer[end] !== CR || buffer[end + 1] !== LF) throw complaint('bulk end', buffer, end);
    return { reply: { kind: blob, bytes: buffer.subarray(next, end) }, end: end + 2 };
  }
  const aggregate = AGGREGATES[type];
  if (aggregate === undefined) throw complaint('an unknown type', buffer, at);
  return decodeItems(aggregate, lengthOf(line, buffer, at), buffer, next);
}

function decodeItems(
  kind: AggregateKind,
  length: number,
  buffer: Buffer,
  at: number,
): { reply: Reply; end: number } | undefined {
  if (length < 0) return { reply: { kind: 'null-array' }, end: at };
  const count = kind === 'map' || kind === 'attribute' ? length * 2 : length;
  const items: Reply[] = [];
  let end = at;
  for (let i = 0; i < count; i++) {
    const item = decode(buffer, end);
    if (item === undefined) return undefined;
    items.push(item.reply);
    end = item.end;
  }
  if (kind === 'attribute') {
    const subject = decode(buffer, end);
    if (subject === undefined) return undefined;
    items.push(subject.reply);
    end = subject.end;
  }
  return { reply: { kind, items }, end };
}

function lengthOf(line: Buffer, buffer: Buffer, at: number): number {
  const text = line.toString('latin1');
  if (!/^(-1|0|[1-9]\d{0,9})$/.test(text)) throw complaint('a malformed length', buffer, at);
  return Number(text);
}

function checkLine(kind: ScalarKind, text: string, buffer: Buffer, at: number): void {
  if (kind === 'integer' && !/^(0|-?[1-9]\d{0,18})$/.test(text)) {
    throw complaint('a malformed integer', buffer, at);
  }
  if (kind === 'boolean' && !/^[tf]$/.test(text))
    throw complaint('a malformed boolean', buffer, at);
  if (kind === 'bignum' && !/^-?\d+$/.test(text)) throw complaint('a malformed number', buffer, at);
  if (kind === 'double' && !/^(-?inf|nan|-?\d+(\.\d+)?(e[+-]?\d+)?)$/i.test(text)) {
    throw complaint('a malformed double', buffer, at);
  }
}

function complaint(what: string, buffer: Buffer, at: number): ProtocolError {
  return new ProtocolError(`${what} at byte ${at}: ${quote(buffer.subarray(at, at + 60))}`);
}

/**
 * Encodes a request as clients do: an array of bulk strings. Texts in a row become bytes at once:
 * some tests send a million commands.
 */
export function encodeCommand(argv: readonly (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [];
  let text = `*${argv.length}\r\n`;
  for (const arg of argv) {
    if (typeof arg === 'string') {
      text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
      continue;
    }
    parts.push(Buffer.from(`${text}$${arg.length}\r\n`), arg);
    text = '\r\n';
  }
  const last = Buffer.from(text);
  return parts.length === 0 ? last : Buffer.concat([...parts, last]);
}

/** A reply for human eyes, much as redis-cli shows it, but every type stays distinguishable. */
export function format(reply: Reply, indent = ''): string {
  switch (reply.kind) {
    case 'null':
      return '(nil)';
    case 'null-bulk':
      return '(nil)';
    case 'null-array':
      return '(nil array)';
    case 'simple':
      return reply.bytes.toString('latin1');
    case 'error':
      return `(error) ${reply.bytes.toString('latin1')}`;
    case 'bulk':
      return quote(reply.bytes);
    case 'array':
    case 'set':
    case 'map':
    case 'push':
    case 'attribute':
      return formatItems(reply.kind, reply.items, indent);
    default:
      return `(${reply.kind}) ${printable(reply.bytes)}`;
  }
}

function formatItems(kind: AggregateKind, items: readonly Reply[], indent: string): string {
  if (items.length === 0) return `(empty ${kind})`;
  const inner = `${indent}   `;
  const lines: string[] = [];
  const pairs = kind === 'map' || kind === 'attribute';
  for (let i = 0; i < items.length; i += pairs ? 2 : 1) {
    const value = pairs && i + 1 < items.length ? ` => ${format(items[i + 1]!, inner)}` : '';
    const number = pairs ? i / 2 + 1 : i + 1;
    const mark = kind === 'array' ? ')' : kind === 'map' ? '#' : kind === 'set' ? '~' : '>';
    lines.push(`${number}${mark} ${format(items[i]!, inner)}${value}`);
  }
  return lines.join(`\n${indent}`);
}

/** Bytes in double quotes with redis-cli's escapes. */
export function quote(bytes: Uint8Array): string {
  return `"${printable(bytes).replaceAll('"', '\\"')}"`;
}

function printable(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    if (byte === 10) text += '\\n';
    else if (byte === 13) text += '\\r';
    else if (byte === 9) text += '\\t';
    else if (byte === 92) text += '\\\\';
    else if (byte >= 32 && byte < 127) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}

/** Text of a scalar; undefined for nulls and aggregates. */
export function textOf(reply: Reply): string | undefined {
  return 'bytes' in reply ? reply.bytes.toString('latin1') : undefined;
}

export function isError(reply: Reply): boolean {
  return reply.kind === 'error' || reply.kind === 'blob-error';
}
