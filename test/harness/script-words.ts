/**
 * The text of a script line: what `<...>` stands for, and the splitting into words.
 *
 *     <name>               a loop variable
 *     <name...>            the words of a loop variable's value: a whole command, say
 *     <64*x>               x, 64 times; x is one character
 *     <1..300: f# v#>      the words f1 v1 f2 v2 and so on to f300 v300
 *
 * Loop variables may stand inside the other two. Anything else between angle brackets stays.
 */

/** Replaces loop variables, then repetitions. */
export function substitute(text: string, scope: ReadonlyMap<string, string>): string {
  return text
    .replace(/<(\w+)(?:\.\.\.)?>/g, (whole, variable: string) => scope.get(variable) ?? whole)
    .replace(/<(\d+)\*(.)>/g, (_, count: string, one: string) => one.repeat(Number(count)));
}

/** Writes `<name...>` and `<from..to: words>` out: before splitting, as one becomes many words. */
export function unrolled(text: string, scope: ReadonlyMap<string, string>): string {
  const spread = text.replace(
    /<(\w+)\.\.\.>/g,
    (whole, variable: string) => scope.get(variable) ?? whole,
  );
  return spread.replace(
    /<([^<>.\s]+|<\w+>)\.\.([^<>.\s]+|<\w+>):((?:<\w+>|[^<>])*)>/g,
    (whole, a, b, words) => {
      const [from, to] = [a, b].map((bound: string) => Number(substitute(bound, scope)));
      if (!Number.isInteger(from) || !Number.isInteger(to)) return whole;
      const list: string[] = [];
      for (let i = from!; i <= to!; i++) list.push(words.trim().replaceAll('#', String(i)));
      return list.join(' ');
    },
  );
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/**
 * redis-cli's splitting: bare words, "double quotes" with \n \r \t \b \a \xHH and \<char>, 'single
 * quotes' with \' only. Unlike redis-cli, quotes may stand inside a word. Characters are bytes
 * (latin1); text beyond is taken as its UTF-8. Undefined when quotes do not match.
 */
export function splitWords(source: string): string[] | undefined {
  const text = Buffer.from(source, 'utf8').toString('latin1');
  const words: string[] = [];
  let i = 0;
  for (;;) {
    while (text[i] === ' ' || text[i] === '\t') i++;
    if (i >= text.length) return words;
    let word = '';
    while (i < text.length && text[i] !== ' ' && text[i] !== '\t') {
      const c = text[i]!;
      if (c !== '"' && c !== "'") {
        word += c;
        i++;
        continue;
      }
      const quoted = c === '"' ? doubleQuoted(text, i + 1) : singleQuoted(text, i + 1);
      if (quoted === undefined) return undefined;
      word += quoted.value;
      i = quoted.end;
    }
    words.push(word);
  }
}

function doubleQuoted(text: string, from: number): { value: string; end: number } | undefined {
  let value = '';
  for (let i = from; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"') return { value, end: i + 1 };
    if (c !== '\\') {
      value += c;
      continue;
    }
    const hex = /^x([0-9a-f]{2})/i.exec(text.slice(i + 1, i + 4));
    if (hex !== null) {
      value += String.fromCharCode(Number.parseInt(hex[1]!, 16));
      i += 3;
    } else {
      const escaped = text[++i] ?? '';
      value += ESCAPES[escaped] ?? escaped;
    }
  }
  return undefined;
}

function singleQuoted(text: string, from: number): { value: string; end: number } | undefined {
  let value = '';
  for (let i = from; i < text.length; i++) {
    if (text[i] === "'") return { value, end: i + 1 };
    if (text[i] === '\\' && text[i + 1] === "'") i++;
    value += text[i]!;
  }
  return undefined;
}
