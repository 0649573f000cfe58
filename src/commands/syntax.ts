/**
 * The `syntax` line of a spec, read into the argument tree that COMMAND DOCS replies (redis-cli's
 * hints are drawn from it). The notation is that of Redis's manual pages:
 *
 *     key <LEFT | RIGHT> value [NX | XX] [EX seconds | KEEPTTL] [key value ...]
 *
 * UPPER CASE words are tokens (`=`, `~`, `*`, `$` and `""`, the empty text, as well), `|`
 * separates alternatives, `<…>` is required, `[…]` is optional, `...` after the last word of a
 * bracket repeats it. What a bracket repeats of the words before it is one argument with them.
 * `name:type` forces a type, otherwise the name decides; `name#2` says which key specification it
 * belongs to, otherwise keys are counted.
 */

/** An argument of a command, or several that belong together. */
export interface Argument {
  readonly name: string;
  readonly type: string;
  readonly token?: string;
  /** Index of its key specification, where the line says so. */
  readonly keySpec?: number;
  readonly optional: boolean;
  readonly multiple: boolean;
  /** Whether the token is repeated with the value. */
  readonly multipleToken?: boolean;
  readonly arguments: readonly Argument[];
}

const typeOfName: Readonly<Record<string, string>> = {
  key: 'key',
  seconds: 'integer',
  milliseconds: 'integer',
  count: 'integer',
  increment: 'integer',
  numkeys: 'integer',
  pattern: 'pattern',
  'unix-time-seconds': 'unix-time',
  'unix-time-milliseconds': 'unix-time',
};

/** What a line may say of a word; redis-cli knows no others. */
const forcedTypes = new Set(['string', 'integer', 'double', 'key', 'pattern', 'unix-time']);

/** The arguments of a syntax line. Throws where it names an unknown type. O(length). */
export function parseSyntax(line: string): Argument[] {
  const words = line.replace(/[[\]<>]/g, ' $& ').split(' ');
  const reader = new SyntaxReader(words.filter((word) => word !== ''));
  return reader.sequence();
}

/** How a line writes the argument that is the empty text. */
const EMPTY = '""';
const ENDS: readonly (string | undefined)[] = ['|', ']', '>', undefined];

class SyntaxReader {
  private readonly words: readonly string[];
  private at = 0;
  /** Whether the sequence read last ended in `...`. */
  private repeats = false;

  constructor(words: readonly string[]) {
    this.words = words;
  }

  /** Elements up to the end, to a `|` or to the bracket that closes. */
  sequence(): Argument[] {
    const found: Argument[] = [];
    let repeats = false;
    for (let word = this.words[this.at]; !ENDS.includes(word); word = this.words[this.at]) {
      if (word === '...') {
        repeats = true;
        this.at++;
      } else append(found, word === '[' ? this.optional() : this.element());
    }
    this.repeats = repeats;
    return found;
  }

  /** `[ … ]` */
  private optional(): Argument {
    const { choice, repeats } = this.choice();
    const multiple = repeats || choice.multiple;
    const multipleToken = choice.multipleToken ?? (repeats && choice.token !== undefined);
    return { ...choice, optional: true, multiple, multipleToken };
  }

  /** Alternatives, or a sequence, between brackets of either kind. */
  private choice(): { choice: Argument; repeats: boolean } {
    this.at++;
    const alternatives: Argument[][] = [];
    let repeats = false;
    do {
      alternatives.push(this.sequence());
      if (this.repeats) repeats = true;
    } while (this.words[this.at++] === '|');
    const only = alternatives.length === 1 ? grouped(alternatives[0]!) : oneOf(alternatives);
    return { choice: only, repeats };
  }

  /** A token, a token with its value, a value, or `< … >`. */
  private element(): Argument {
    if (this.words[this.at] === '<') return this.choice().choice;
    const word = this.words[this.at++]!;
    const plain = { optional: false, multiple: false, arguments: [] };
    if (word === EMPTY) return { ...plain, name: 'empty-string', type: 'pure-token', token: '' };
    if (!isToken(word)) return { ...plain, ...named(word) };
    const next = this.words[this.at];
    if (next === '<') return { ...this.choice().choice, name: word.toLowerCase(), token: word };
    if (next === undefined || ENDS.includes(next) || ['[', '...'].includes(next) || isToken(next)) {
      return { ...plain, name: word.toLowerCase(), type: 'pure-token', token: word };
    }
    this.at++;
    return { ...plain, ...named(next), token: word };
  }
}

function isToken(word: string): boolean {
  if (word.length === 1 && '=~*$'.includes(word)) return true;
  return word === word.toUpperCase() && word !== word.toLowerCase();
}

function named(word: string): { name: string; type: string; keySpec?: number } {
  const [text = '', keySpec] = word.split('#');
  const [name = '', type, more] = text.split(':');
  if (more !== undefined || (type !== undefined && !forcedTypes.has(type))) {
    throw new Error(`syntax line: no type in ${word}`);
  }
  const found = { name, type: type ?? typeOfName[name] ?? 'string' };
  return keySpec === undefined ? found : { ...found, keySpec: Number(keySpec) };
}

/** Several parts as one argument: a token before plain values is the token of all of them. */
function grouped(parts: readonly Argument[]): Argument {
  const [first, ...rest] = parts;
  if (first === undefined || rest.length === 0) return first!;
  const block = { type: 'block', optional: false, multiple: false };
  if (first.token !== undefined && first.arguments.length === 0) {
    const { token, ...value } = first;
    const name = token.toLowerCase();
    if (first.type === 'pure-token') {
      if (rest.every((part) => part.optional)) return { ...block, name, token, arguments: rest };
    } else if (rest.every(isPlain)) return { ...block, name, token, arguments: [value, ...rest] };
  }
  return { ...block, name: parts.map((part) => part.name).join('-'), arguments: parts };
}

function isPlain(part: Argument): boolean {
  return part.token === undefined && part.arguments.length === 0 && !part.optional;
}

function oneOf(alternatives: readonly Argument[][]): Argument {
  const options = alternatives.map(grouped);
  const timed = options.some((option) => option.name === 'seconds');
  const name = timed ? 'expiration' : 'condition';
  return { name, type: 'oneof', optional: false, multiple: false, arguments: options };
}

/** Appends an argument; `key value [key value ...]` becomes one block that repeats. */
function append(found: Argument[], last: Argument): void {
  const repeated = last.type === 'block' ? last.arguments : [last];
  const before = found.slice(-repeated.length);
  const repeats =
    last.multiple &&
    last.optional &&
    before.length === repeated.length &&
    before.every((part, i) => part.name === repeated[i]!.name && !part.optional);
  if (!repeats) {
    found.push(last);
    return;
  }
  found.length -= repeated.length;
  const first = before[0]!;
  const multipleToken = last.token !== undefined;
  if (repeated.length === 1) found.push({ ...first, multiple: true, multipleToken });
  else found.push({ ...last, optional: false, multipleToken });
}
