/**
 * `proc-title-template`: text with variables in braces; `{{` stands for a brace. Names, values and
 * what is refused are those of redis-server 7.0.15.
 */

/** What a template is filled with, besides directives. */
export interface TitleFacts {
  /** What the program is called. */
  readonly title: string;
  /** Path of the configuration file, empty when there is none. */
  readonly configFile: string;
  /** A directive's value in CONFIG GET's form. */
  readonly read: (directive: string) => string;
}

/** The template filled in, without spaces around it; undefined when it is none. O(length). */
export function fillTitle(template: string, facts: TitleFacts): string | undefined {
  let out = '';
  let at = 0;
  for (;;) {
    const open = template.indexOf('{', at);
    if (open < 0) return withoutSpaces(out + template.slice(at));
    out += template.slice(at, open);
    if (template[open + 1] === '{') {
      out += '{';
      at = open + 2;
      continue;
    }
    const close = template.indexOf('}', open);
    const value = close < 0 ? undefined : variableValue(template.slice(open + 1, close), facts);
    if (value === undefined) return undefined;
    out += value;
    at = close + 1;
  }
}

/** Variables must be known, and something must remain when the program's name is not in it. */
export function checkTitleTemplate(
  template: string,
  read: (directive: string) => string,
): string | undefined {
  const filled = fillTitle(template, { title: '', configFile: '', read });
  if (filled !== undefined && filled !== '') return undefined;
  return 'template format is invalid or contains unknown variables';
}

function variableValue(
  variable: string,
  { title, configFile, read }: TitleFacts,
): string | undefined {
  switch (variable) {
    case 'title':
      return title;
    case 'listen-addr':
      return listenAddress(read);
    case 'server-mode':
      return read('cluster-enabled') === 'yes' ? '[cluster]' : '';
    case 'config-file':
      return configFile === '' ? '-' : configFile;
    case 'port':
    case 'tls-port':
    case 'unixsocket':
      return read(variable);
  }
  return undefined;
}

/** The first word of `bind` with the port clients come to, or the path where there is none. */
function listenAddress(read: (directive: string) => string): string {
  const port = [read('port'), read('tls-port')].find((text) => text !== '0');
  if (port === undefined) return `unixsocket:${read('unixsocket')}`;
  return `${read('bind').split(' ')[0] || '*'}:${port}`;
}

/** Of spaces only, and by hand: the text is a client's. */
function withoutSpaces(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === ' ') start++;
  while (end > start && text[end - 1] === ' ') end--;
  return text.slice(start, end);
}
