/**
 * The command line: takes what redis-server takes. A configuration file or `-` for standard input,
 * then `--directive value…`; RESPITE_<DIRECTIVE> variables; --version, --help, --check-system. Or a
 * command of `src/tools`.
 */
import { readFileSync, readSync } from 'node:fs';
import { Config } from '../src/config/config.ts';
import { ConfigError } from '../src/config/errors.ts';
import { goesToBackground, isDaemon, startInBackground, tellReady } from '../src/server/daemon.ts';
import { exitWith, runServer } from '../src/server/main.ts';
import { versionLine } from '../src/server/version.ts';
import { isToolCommand } from '../src/tools/names.ts';
import { fromLatin1 } from '../src/util/words.ts';

const usage = `Usage: respite [configuration file] [-] [--directive value ...]
       respite check rdb <file>
       respite convert <input> <output>
       respite ping | info | top [-h host] [-p port] [--tls]
       respite completion bash | zsh | fish
       respite --version | --help | --check-system

Starts a Redis-compatible server. Every redis.conf directive is an option, a variable
RESPITE_<DIRECTIVE> and a line of the configuration file; options win over variables, and
variables over the file. "-" reads more configuration from standard input.
"respite <command> --help" tells more about a command.

Examples:
       respite
       respite --port 7000 --maxmemory 100mb
       respite /etc/redis/redis.conf --loglevel verbose
       echo 'maxmemory 128mb' | respite -
`;

function main(): void {
  const config = new Config();
  const { env } = process;
  const daemon = isDaemon(env);
  let action: string;
  try {
    action = config.loadArgs(process.argv.slice(2), {
      env,
      readStdin: () => readFileSync(0),
    }).action;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    exitWith(error);
  }
  if (action === 'version') process.stdout.write(versionLine(process.argv[1] ?? ''));
  else if (action === 'help') process.stdout.write(usage);
  else if (action === 'check-system') {
    process.stdout.write(
      `[OK] Node.js ${process.version} on ${process.platform} ${process.arch}\n`,
    );
  } else if (goesToBackground(config, env) && !daemon) startInBackground();
  else {
    process.chdir(fromLatin1(config.string('dir')));
    const started = runServer(config, process.argv.length > 2);
    void (daemon ? started.then(tellReady) : started);
  }
}

/** A line of standard input, without waiting for more of it. */
function firstLine(): string {
  const byte = Buffer.alloc(1);
  let line = '';
  while (readSync(0, byte, 0, 1, null) === 1 && byte[0] !== 10) line += byte.toString('latin1');
  return line;
}

/** Commands that are no server's: loaded only when asked for. */
async function runTools(args: readonly string[]): Promise<void> {
  const { runTool } = await import('../src/tools/command-line.ts');
  process.exitCode = await runTool(args, {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    terminal: process.stderr,
    ask: (question) => {
      process.stderr.write(question);
      return firstLine();
    },
    readCommands: async (file, onProgress) => {
      const { loadCommandFiles } = await import('../src/server/offline.ts');
      return loadCommandFiles(file, onProgress);
    },
  });
}

const args = process.argv.slice(2);
if (isToolCommand(args)) void runTools(args);
else main();
