/**
 * Rules as they come in words: a selector may be spread over several.
 */

/**
 * Puts the words of each selector together, as ACL SETUSER and files of rules give them. Returns
 * the rules, or the word that opens a selector which nothing closes. As in redis-server 7.0.15 a
 * word that opens another one drops what came before.
 */
export function joinSelectors(
  words: readonly string[],
): { readonly rules: string[] } | { readonly unclosed: string } {
  const rules: string[] = [];
  let selector: string | undefined;
  let opening = '';
  for (const word of words) {
    if (word.startsWith('(') && !word.endsWith(')')) {
      selector = word;
      opening = word;
    } else if (selector === undefined) rules.push(word);
    else {
      selector += ` ${word}`;
      if (!word.endsWith(')')) continue;
      rules.push(selector);
      selector = undefined;
    }
  }
  return selector === undefined ? { rules } : { unclosed: opening };
}
