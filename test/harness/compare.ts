/** Whether two replies are the same, in the sense that a script's directive asks for. */
import { format, isError, type Reply, textOf } from './reply.ts';
import type { Comparison, Step } from './script.ts';

export interface ComparedReply {
  readonly reply: Reply;
  readonly bytes: Buffer;
}

export function sameReplies(
  ours: ComparedReply,
  theirs: ComparedReply,
  comparison: Comparison,
): boolean {
  switch (comparison.kind) {
    case 'exact':
      return ours.bytes.equals(theirs.bytes);
    case 'unordered':
      return canonical(ours.reply, false) === canonical(theirs.reply, false);
    case 'unordered-pairs':
      return canonical(ours.reply, false, true) === canonical(theirs.reply, false, true);
    case 'unordered-deep':
      return canonical(ours.reply, true) === canonical(theirs.reply, true);
    case 'unordered-lines':
      return ours.reply.kind === theirs.reply.kind && lines(ours.reply) === lines(theirs.reply);
    case 'approx':
      return approximately(ours.reply, theirs.reply, comparison.tolerance);
    case 'error-only':
      if (!isError(ours.reply) || !isError(theirs.reply)) return ours.bytes.equals(theirs.bytes);
      return errorCode(ours.reply) === errorCode(theirs.reply);
    case 'shape':
      return shape(ours.reply) === shape(theirs.reply);
    case 'type':
      return ours.reply.kind === theirs.reply.kind;
    case 'ignore':
      return true;
    case 'expect':
      return format(ours.reply) === comparison.text;
  }
}

/** What a step leaves to compare of a reply: masks replaced, picks cut out. */
export function filtered(
  compared: ComparedReply,
  step: Pick<Step, 'masks' | 'maskedFields' | 'maskedItem' | 'picks'>,
): ComparedReply {
  const { masks, maskedFields, maskedItem, picks } = step;
  if (masks.length + maskedFields.length + maskedItem + picks.length === 0) return compared;
  const map = (reply: Reply): Reply => {
    if ('items' in reply) {
      const { kind, items } = reply;
      const hidden = (i: number) =>
        (i % 2 === 1 && maskedFields.includes(textOf(items[i - 1]!) ?? '')) ||
        (i === maskedItem - 1 && items[i]!.kind === 'integer');
      return { kind, items: items.map((item, i) => (hidden(i) ? MASKED : map(item))) };
    }
    if (!('bytes' in reply)) return reply;
    let text = reply.bytes.toString('latin1');
    if (picks.length > 0) text = picks.flatMap((pick) => text.match(pick) ?? []).join('\n');
    for (const mask of masks) text = text.replace(mask, '*');
    return { kind: reply.kind, bytes: Buffer.from(text, 'latin1') };
  };
  const reply = map(compared.reply);
  return { reply, bytes: Buffer.from(canonicalExact(reply)) };
}

const MASKED: Reply = { kind: 'simple', bytes: Buffer.from('*') };

/** One text per value: equal replies, equal texts. */
function canonicalExact(reply: Reply): string {
  if ('items' in reply) return `${reply.kind}[${reply.items.map(canonicalExact).join(' ')}]`;
  if (!('bytes' in reply)) return reply.kind;
  return `${reply.kind}:${reply.bytes.length}:${reply.bytes.toString('latin1')}`;
}

function canonical(reply: Reply, deep: boolean, flatPairs = false): string {
  if (!('items' in reply)) return canonicalExact(reply);
  const show = deep ? (item: Reply) => canonical(item, true) : canonicalExact;
  const texts = reply.items.map(show);
  const nested = reply.items.some((item) => 'items' in item);
  const pairs = reply.kind === 'map' || reply.kind === 'attribute' || (flatPairs && !nested);
  const units = pairs
    ? texts.flatMap((t, i) => (i % 2 === 0 ? [`${t}=${texts[i + 1]}`] : []))
    : texts;
  return `${reply.kind}[${units.sort().join(' ')}]`;
}

function lines(reply: Reply): string | undefined {
  return textOf(reply)?.split('\n').sort().join('\n');
}

function approximately(a: Reply, b: Reply, tolerance: number): boolean {
  if (a.kind !== b.kind) return false;
  if ('items' in a && 'items' in b) {
    return (
      a.items.length === b.items.length &&
      a.items.every((item, i) => approximately(item, b.items[i]!, tolerance))
    );
  }
  const [x, y] = [textOf(a), textOf(b)];
  if (x === y) return true;
  if (x === undefined || y === undefined) return false;
  const [m, n] = [Number(x), Number(y)];
  return x !== '' && y !== '' && Math.abs(m - n) <= tolerance;
}

function errorCode(reply: Reply): string | undefined {
  return textOf(reply)?.split(' ')[0];
}

function shape(reply: Reply): string {
  return 'items' in reply ? `${reply.kind}[${reply.items.map(shape).join(' ')}]` : reply.kind;
}
