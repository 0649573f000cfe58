/** The reference of all directives as a Markdown table, for docs/configuration.md. */
import type { Directive } from './directive-types.ts';
import { directives } from './directives.ts';

/** A table with a row per directive, sorted by name. Pure; ends with a line end. */
export function configReference(): string {
  const rows = [...directives]
    .filter((directive) => !directive.hidden)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(row);
  const head = ['Name', 'Type', 'Default', 'CONFIG SET', 'State', 'What it does'];
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');
}

function row(directive: Directive): string[] {
  const { name, aliases, mutable, since, meaning, doc } = directive;
  const names = [name, ...aliases].map((n) => `\`${n}\``).join('<br>');
  const access = directive.protected ? 'protected' : mutable ? 'yes' : 'no';
  return [
    names,
    typeText(directive),
    directive.default === '' ? '' : `\`${escapeCell(directive.default)}\``,
    access,
    since === undefined ? meaning : `${meaning} (since ${since})`,
    escapeCell(doc),
  ];
}

function typeText(directive: Directive): string {
  const { type, min, max, values, synonyms } = directive;
  switch (type) {
    case 'bool':
      return 'yes, no';
    case 'integer':
      return `${min} to ${max}`;
    case 'memory':
      if (directive.byShare) return 'bytes or percent';
      return min === 0n ? 'bytes' : `bytes, from ${min}`;
    case 'memory or percent':
      return 'bytes or percent';
    case 'octal':
      return `octal, ${min.toString(8)} to ${max.toString(8)}`;
    case 'enum':
      return [...values, ...Object.keys(synonyms)].join(', ');
    case 'flags':
      return `any of ${values.join(', ')}`;
    case 'string':
      return 'text';
    case 'words':
      return 'words';
  }
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
