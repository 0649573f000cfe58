/** The subcommands of the command line (`names.ts`). Starting a server is none of them. */
import { createRequire } from 'node:module';
import { RDB_VERSION, RDB_VERSION_MAX } from '../persistence/rdb/types.ts';
import { checkRdb, type ToolOutput } from './check.ts';
import { type CheckAofOptions, checkAof } from './check-aof.ts';
import { completionScript, SHELLS, type Shell } from './completion.ts';
import { type ConvertOptions, convert } from './convert.ts';
import type { RemoteOptions } from './remote.ts';
import {
  info,
  type PingOptions,
  passwordFrom,
  ping,
  type TopOptions,
  top,
} from './remote-commands.ts';

type Commander = typeof import('commander');
type Command = import('commander').Command;

/** Runs a subcommand; its exit code. */
export async function runTool(args: readonly string[], output: ToolOutput): Promise<number> {
  // Here and not above: the command line is one script, and a server's start shall not load this.
  const load = createRequire(import.meta.url);
  const { Argument, Command, InvalidArgumentError, Option } = load('commander') as Commander;
  let code = 0;
  const version = (text: string) => {
    const n = Number(text);
    if (Number.isInteger(n) && n >= RDB_VERSION && n <= RDB_VERSION_MAX) return n;
    throw new InvalidArgumentError(`it is ${RDB_VERSION} to ${RDB_VERSION_MAX}`);
  };
  const program = new Command('respite').description('Tools for servers and their files.');
  const check = program.command('check').description('Tells whether a file is sound.');
  check
    .command('rdb')
    .argument('<file>', 'a snapshot, of any version')
    .description(
      'Reads an RDB file from end to end; tells what is in it, or what is wrong at which byte.',
    )
    .action((file: string) => {
      code = checkRdb(file, output);
    });
  check
    .command('aof')
    .argument('<file>', 'an append-only file, or a manifest (.manifest) of such files')
    .description('Reads append-only files from end to end; tells what is wrong at which byte.')
    .option('--fix', 'cut the last file off where it is no longer sound', false)
    .option('--yes', 'do not ask before', false)
    .action((file: string, options: CheckAofOptions) => {
      code = checkAof(file, options, output);
    });
  program
    .command('convert')
    .argument(
      '<input>',
      'an RDB file, an append-only file (.aof), a manifest of such (.manifest) or JSON lines',
    )
    .argument(
      '<output>',
      'by its name: .rdb; .aof, commands; .manifest, with a base next to it; else JSON lines, - for ' +
        'these on standard output',
    )
    .description(
      'Converts between RDB versions, append-only files and JSON lines, which can be read and compared.',
    )
    .addOption(
      new Option('--to <format>', 'the format to write').choices([
        'rdb',
        'aof',
        'manifest',
        'json',
      ]),
    )
    .option('--rdb-version <n>', 'the RDB version to write', version, RDB_VERSION)
    .option('--no-compress', 'leave long strings as they are')
    .option('--no-checksum', 'write no checksum')
    .action((input: string, file: string, options: ConvertOptions) =>
      convert(input, file, options, output),
    );
  addRemoteCommands(program, Option, output, (result) => {
    code = result;
  });
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .description('Prints a script that completes commands and directives in a shell.')
    .action((shell: Shell) => output.out(completionScript(shell)));
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    output.err(`respite: ${error instanceof Error ? error.message : String(error)}\n`);
    code = 1;
  }
  return code;
}

/** Commands that talk to a running server. */
function addRemoteCommands(
  program: Command,
  Option: Commander['Option'],
  output: ToolOutput,
  finish: (code: number) => void,
): void {
  const { env } = process;
  const number = (text: string) => Number(text);
  const remote = (name: string, text: string) =>
    program
      .command(name)
      .description(text)
      .option('-h, --host <host>', 'where the server is', '127.0.0.1')
      .option('-p, --port <port>', 'its port', number, Number(env['RESPITE_PORT'] ?? 6379))
      .option('-s, --socket <path>', 'its unix socket instead')
      .option('--user <name>', 'who asks')
      .addOption(new Option('-a, --pass <password>', 'password; better in REDISCLI_AUTH'))
      .option('--tls', 'connect with TLS')
      .option('--cacert <file>', 'the authority that signed its certificate')
      .option('--cert <file>', 'certificate to show')
      .option('--key <file>', 'key of that certificate')
      .option('--insecure', 'take any certificate')
      .helpOption('--help', 'display help for command');
  const withPassword = <T extends RemoteOptions>(options: T): T => ({
    ...options,
    pass: options.pass ?? passwordFrom(env),
  });
  remote('ping', 'Tells whether a server serves: PONG and exit code 0, or why not and 1.')
    .option('--wait <seconds>', 'how long to go on trying', number, 0)
    .option('--alive', 'take any answer, that of a server that is loading or busy, too')
    .action(async (options: PingOptions) => finish(await ping(withPassword(options), output)));
  remote('info', 'Prints INFO.')
    .argument('[section...]', 'sections, as of INFO')
    .action(async (sections: string[], options: RemoteOptions) =>
      finish(await info(sections, withPassword(options), output)),
    );
  remote('top', 'Shows what a server does, renewed until q is typed.')
    .option('--interval <seconds>', 'time between two looks', number, 1)
    .option('--once', 'print one picture and end', false)
    .action(async (options: TopOptions) => finish(await top(withPassword(options), output)));
}
