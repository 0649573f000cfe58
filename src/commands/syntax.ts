/**
 * The `syntax` line of a spec, read into the argument tree that COMMAND DOCS answers (redis-cli's
 * hints are drawn from it). The notation is that of Redis's manual pages:
 *
 *     key value [NX | XX] [EX seconds | KEEPTTL] [key value ...]
 *
 * UPPER CASE words are tokens, `|` separates alternatives, `[…]` is optional, `…` after the last
 * word of a bracket repeats it. `name:type` forces a type, otherwise the name decides.
 */

export interface Argument {
  readonly name: string;
  readonly type: string;
  readonly token?: string;
  readonly optional: boolean;
  readonly multiple: boolean;
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

/** The arguments of a syntax line. O(length). */
export function parseSyntax(line: string): Argument[] {
  const words = line.replaceAll('[', ' [ ').replaceAll(']', ' ] ').split(' ');
  const reader = new SyntaxReader(words.filter((word) => word !== ''));
  return reader.sequence(false);
}

class SyntaxReader {
  private readonly words: readonly string[];
  private at = 0;

  constructor(words: readonly string[]) {
    this.words = words;
  }

  /** Elements up to the end, or to the bracket that closes. */
  sequence(optional: boolean): Argument[] {
    const found: Argument[] = [];
    while (this.at < this.words.length && this.words[this.at] !== ']') {
      if (this.words[this.at] === '[') found.push(this.bracket());
      else if (this.words[this.at] === '|') break;
      else found.push(this.element(optional));
    }
    return repeatsBefore(found);
  }

  /** `[ … ]`: alternatives, or a sequence. */
  private bracket(): Argument {
    this.at++;
    const alternatives: Argument[][] = [];
    let multiple = false;
    for (;;) {
      const parts: Argument[] = [];
      while (!['|', ']', undefined].includes(this.words[this.at])) {
        if (this.words[this.at] === '...') {
          multiple = true;
          this.at++;
        } else if (this.words[this.at] === '[') parts.push(this.bracket());
        else parts.push(this.element(false));
      }
      alternatives.push(parts);
      if (this.words[this.at++] !== '|') break;
    }
    const only = alternatives.length === 1 ? grouped(alternatives[0]!) : oneOf(alternatives);
    return { ...only, optional: true, multiple };
  }

  /** A token, a token with its value, or a value. */
  private element(optional: boolean): Argument {
    const word = this.words[this.at++]!;
    const plain = { optional, multiple: false, arguments: [] };
    if (!isToken(word)) return { ...plain, ...named(word) };
    const next = this.words[this.at];
    if (next === undefined || ['[', ']', '|', '...'].includes(next) || isToken(next)) {
      return { ...plain, name: word.toLowerCase(), type: 'pure-token', token: word };
    }
    this.at++;
    return { ...plain, ...named(next), token: word };
  }
}

function isToken(word: string): boolean {
  return word === word.toUpperCase() && word !== word.toLowerCase();
}

function named(word: string): { name: string; type: string } {
  const [name = '', type] = word.split(':');
  return { name, type: type ?? typeOfName[name] ?? 'string' };
}

function grouped(parts: readonly Argument[]): Argument {
  if (parts.length === 1) return parts[0]!;
  const name = parts.map((part) => part.name).join('-');
  return { name, type: 'block', optional: false, multiple: false, arguments: parts };
}

function oneOf(alternatives: readonly Argument[][]): Argument {
  const options = alternatives.map(grouped);
  const timed = options.some((option) => option.name === 'seconds');
  const name = timed ? 'expiration' : 'condition';
  return { name, type: 'oneof', optional: false, multiple: false, arguments: options };
}

/** `key value [key value ...]` is one block that repeats. */
function repeatsBefore(found: Argument[]): Argument[] {
  const last = found.at(-1);
  if (last === undefined || !last.multiple) return found;
  const size = last.type === 'block' ? last.arguments.length : 1;
  const before = found.slice(-1 - size, -1);
  const repeated = last.type === 'block' ? last.arguments : [last];
  if (!before.every((part, i) => part.name === repeated[i]?.name)) return found;
  return [...found.slice(0, -1 - size), { ...last, optional: false }];
}
