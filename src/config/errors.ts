/** Errors of this floor: a value that is refused, and a configuration that cannot be used. */

/** A value is wrong; the message is the reason as CONFIG SET words it. */
export class ValueError extends Error {}

/** Where a directive was read. `text` is the line without surrounding blanks. */
export interface Source {
  /** A path, `command line`, `environment`, `standard input` or `options`. */
  readonly name: string;
  /** From 1; 0 when there are no lines. */
  readonly line: number;
  readonly text: string;
}

/** A line of the configuration that is no directive with a value. */
export interface ConfigLine extends Source {
  /** The words after the first one. */
  readonly words: readonly string[];
}

function placeOf(source: Source | undefined): string {
  if (source === undefined) return '';
  return source.line === 0 ? `${source.name}: ` : `${source.name}:${source.line}: `;
}

/** The configuration cannot be used: starting must fail. */
export class ConfigError extends Error {
  readonly reason: string;
  /** Undefined when no line is to blame: an unreadable file, a contradiction between lines. */
  readonly source: Source | undefined;
  /** The directive or option that is to blame, if it is one. */
  readonly directive: string | undefined;

  constructor(reason: string, source?: Source, directive?: string) {
    super(`${placeOf(source)}${reason}${source === undefined ? '' : ` (>>> '${source.text}')`}`);
    this.name = 'ConfigError';
    this.reason = reason;
    this.source = source;
    this.directive = directive ?? source?.text.split(/[ =]/, 1)[0];
  }

  /** A program has given something that there is not: `'portt' is no option …`. */
  static ofOption(name: string, problem: string): ConfigError {
    return new ConfigError(`'${name}' ${problem}`, undefined, name);
  }

  /** What to print on stderr before exiting with 1. Tools look for the shape of these lines. */
  report(version: string): string {
    const lines = ['', `*** FATAL CONFIG FILE ERROR (respite ${version}) ***`];
    if (this.source !== undefined) {
      const { name, line, text } = this.source;
      lines.push(`Reading the configuration file, at line ${line} of ${name}`, `>>> '${text}'`);
    }
    lines.push(this.reason, '');
    return lines.join('\n');
  }
}
