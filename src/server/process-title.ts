/**
 * The title of the process, what `ps` and `top` show, by `proc-title-template`. Only a server that
 * has a process of its own calls this: an embedded one leaves its program's title alone.
 *
 * There is room for as many bytes as the command line had that started the process; the rest of a
 * title is cut off. So `{title}` is the program's name without its directory.
 */
import path from 'node:path';
import type { Config } from '../config/config.ts';
import { fillTitle } from '../config/title-template.ts';
import { fromLatin1, toLatin1 } from '../util/words.ts';

/**
 * Sets the title, and again whenever what it shows changes. With `set-proc-title no` only CONFIG
 * SET of the template sets it, as with redis-server 7.0.15.
 */
export function followTitle(config: Config, program: string): void {
  const title = toLatin1(path.basename(program, '.cjs'));
  const read = (directive: string) => config.string(directive);
  const show = () => {
    const template = config.string('proc-title-template');
    const filled = fillTitle(template, { title, configFile: toLatin1(config.file), read });
    if (filled !== undefined) process.title = fromLatin1(filled);
  };
  config.onChange('proc-title-template', show);
  if (!config.bool('set-proc-title')) return;
  for (const name of ['bind', 'port', 'tls-port']) config.onChange(name, show);
  show();
}
