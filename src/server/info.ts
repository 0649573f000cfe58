/**
 * INFO: sections of `name:value` lines, put together from what the owners of the figures tell. It
 * knows none of them; `info-sections.ts` and the owners themselves hand their lines in.
 */
import type { StatsPort } from '../commands/ports/stats.ts';

/** One line of INFO. */
export type InfoLine = readonly [name: string, value: string | number];

/** Tells lines of a section. Called once per INFO that shows the section. */
export type InfoSource = () => readonly InfoLine[];

interface Section {
  readonly title: string;
  readonly isDefault: boolean;
  readonly sources: InfoSource[];
}

/** All sections in the order of redis-server 7.0.15; `false`: only shown when asked for. */
const allSections: readonly (readonly [title: string, isDefault: boolean])[] = [
  ['Server', true],
  ['Clients', true],
  ['Memory', true],
  ['Persistence', true],
  ['Stats', true],
  ['Replication', true],
  ['CPU', true],
  ['Modules', true],
  ['Commandstats', false],
  ['Errorstats', true],
  ['Latencystats', false],
  ['Runtime', false],
  ['Cluster', true],
  ['Keyspace', true],
];

export class Info implements StatsPort {
  private readonly sections: ReadonlyMap<string, Section>;
  private readonly resets: (() => void)[] = [];

  constructor() {
    this.sections = new Map(
      allSections.map(([title, isDefault]) => [
        title.toLowerCase(),
        { title, isDefault, sources: [] },
      ]),
    );
  }

  /** Adds lines to a section, after those that are there. Throws when there is no such section. */
  add(section: string, source: InfoSource): void {
    const found = this.sections.get(section);
    if (found === undefined) throw new Error(`INFO has no section ${section}`);
    found.sources.push(source);
  }

  /** Has CONFIG RESETSTAT call this. */
  onReset(reset: () => void): void {
    this.resets.push(reset);
  }

  /** The lines of a section. Throws when there is no such section. */
  lines(section: string): InfoLine[] {
    return this.sections.get(section)!.sources.flatMap((source) => source());
  }

  text(names: readonly string[]): string {
    const wanted = new Set(names.length === 0 ? ['default'] : names);
    const all = wanted.has('all') || wanted.has('everything');
    const parts: string[] = [];
    for (const [name, { title, isDefault, sources }] of this.sections) {
      if (!all && !wanted.has(name) && !(isDefault && wanted.has('default'))) continue;
      let part = `# ${title}\r\n`;
      for (const source of sources) {
        for (const [field, value] of source()) part += `${field}:${value}\r\n`;
      }
      parts.push(part);
    }
    return parts.join('\r\n');
  }

  reset(): void {
    for (const reset of this.resets) reset();
  }
}
