/**
 * The quoting of redis.conf: a line into words and a text back into one quoted word.
 * Strings here are latin1, one character per byte.
 */
const spaces = ' \t\n\v\f\r';
const wordEnds = ' \t\n\r';
const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  a: '\x07',
};

/** The words of a line; undefined when quotes are unbalanced or run into the next word. */
export function splitWords(line: string): string[] | undefined {
  const found: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && spaces.includes(line[at]!)) at++;
    if (at >= line.length) return found;
    let word = '';
    while (at < line.length && !wordEnds.includes(line[at]!)) {
      const char = line[at]!;
      if (char !== '"' && char !== "'") {
        word += char;
        at++;
        continue;
      }
      const quoted = char === '"' ? doubleQuoted(line, at + 1) : singleQuoted(line, at + 1);
      if (quoted === undefined) return undefined;
      word += quoted.text;
      at = quoted.end;
      if (at < line.length && !spaces.includes(line[at]!)) return undefined;
      break;
    }
    found.push(word);
  }
}

interface Quoted {
  readonly text: string;
  /** Offset behind the closing quote. */
  readonly end: number;
}

function doubleQuoted(line: string, from: number): Quoted | undefined {
  let text = '';
  let at = from;
  while (at < line.length) {
    const char = line[at]!;
    if (char === '"') return { text, end: at + 1 };
    if (char !== '\\' || at + 1 >= line.length) {
      text += char;
      at++;
      continue;
    }
    const next = line[at + 1]!;
    const hex = next === 'x' ? line.slice(at + 2, at + 4) : '';
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      text += String.fromCharCode(Number.parseInt(hex, 16));
      at += 4;
    } else {
      text += escapes[next] ?? next;
      at += 2;
    }
  }
  return undefined;
}

function singleQuoted(line: string, from: number): Quoted | undefined {
  let text = '';
  let at = from;
  while (at < line.length) {
    const char = line[at]!;
    if (char === "'") return { text, end: at + 1 };
    if (char === '\\' && line[at + 1] === "'") {
      text += "'";
      at += 2;
    } else {
      text += char;
      at++;
    }
  }
  return undefined;
}

const namedEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\x07': '\\a',
};

/** A text as one double-quoted word that `splitWords` reads back. */
export function quoteWord(text: string): string {
  let out = '"';
  for (const char of text) {
    const code = char.charCodeAt(0);
    const named = namedEscapes[char];
    if (named !== undefined) out += named;
    else if (code >= 0x20 && code < 0x7f) out += char;
    else out += `\\x${code.toString(16).padStart(2, '0')}`;
  }
  return `${out}"`;
}

/** A text from outside (argv, environment, JavaScript) as latin1: its UTF-8 bytes. */
export function toLatin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The inverse of `toLatin1`, for paths and messages. */
export function fromLatin1(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}
