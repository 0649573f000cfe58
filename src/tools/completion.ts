/** Completion for shells, made of the table of directives: `respite completion bash`. */
import { directives } from '../config/directives.ts';
import { COMMANDS } from './names.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const flags = ['--help', '--version', '--check-system'];

function options(): string[] {
  const names = directives.filter(({ hidden }) => !hidden).map(({ name }) => `--${name}`);
  return [...flags, ...names];
}

/** The script that a shell reads. */
export function completionScript(shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bash();
    case 'zsh':
      return `#compdef respite\nautoload -U +X bashcompinit && bashcompinit\n${bash()}`;
    default:
      return fish();
  }
}

function bash(): string {
  const cases = directives
    .map(({ name, type, values }) => ({ name, words: wordsOf(type, values) }))
    .filter(({ words }) => words !== '')
    .map(
      ({ name, words }) =>
        `    --${name}) COMPREPLY=($(compgen -W '${words}' -- "$word")); return;;`,
    );
  return `_respite() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  case "$before" in
${cases.join('\n')}
    completion) COMPREPLY=($(compgen -W '${SHELLS.join(' ')}' -- "$word")); return;;
    check) COMPREPLY=($(compgen -W 'rdb aof' -- "$word")); return;;
  esac
  if [[ "$word" == --* ]]; then
    COMPREPLY=($(compgen -W '${options().join(' ')}' -- "$word"))
  elif [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W '${COMMANDS.join(' ')}' -- "$word") $(compgen -f -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -F _respite respite
`;
}

function fish(): string {
  const lines = [
    `complete -c respite -n __fish_use_subcommand -a '${COMMANDS.join(' ')}'`,
    `complete -c respite -n '__fish_seen_subcommand_from completion' -f -a '${SHELLS.join(' ')}'`,
    ...flags.map((flag) => `complete -c respite -l ${flag.slice(2)}`),
  ];
  for (const { name, doc, type, values, hidden } of directives) {
    if (hidden) continue;
    const words = wordsOf(type, values);
    const text = doc.replaceAll("'", "\\'");
    lines.push(
      `complete -c respite -l ${name} -r${words === '' ? '' : ` -a '${words}'`} -d '${text}'`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function wordsOf(type: string, values: readonly string[]): string {
  if (type === 'bool') return 'yes no';
  return type === 'enum' ? values.join(' ') : '';
}
