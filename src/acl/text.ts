/**
 * Small matters of the texts in rules. All texts are latin1, one character per byte.
 */

/** ASCII letters in lower case, all else as it is. */
export function asciiLower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** What C code sees of a text: up to its first NUL. */
export function cString(text: string): string {
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

/** Whether there is a space or NUL: such a text would not survive a file of rules. */
export function hasSpaces(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x20 || code === 0 || (code >= 9 && code <= 13)) return true;
  }
  return false;
}

/** Characters that mean something to who reads a selector or a line of redis.conf. */
const special = /["'\\()]/;

/**
 * A word of a selector as `splitWords` and who looks for its parenthesis read it back: as it is
 * where that will do, else in quotes. Parentheses become escapes.
 */
export function selectorWord(word: string): string {
  if (!special.test(word)) return word;
  let out = '"';
  for (const char of word) {
    out += special.test(char) ? `\\x${char.charCodeAt(0).toString(16)}` : char;
  }
  return `${out}"`;
}
