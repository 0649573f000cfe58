/** The subcommands of the command line (`names.ts`). Starting a server is none of them. */
import { createRequire } from 'node:module';
import { RDB_VERSION, RDB_VERSION_MAX } from '../persistence/rdb/types.ts';
import { checkRdb, type ToolOutput } from './check.ts';
import { type CheckAofOptions, checkAof } from './check-aof.ts';
import { type ConvertOptions, convert } from './convert.ts';

type Commander = typeof import('commander');

/** Runs a subcommand; its exit code. */
export async function runTool(args: readonly string[], output: ToolOutput): Promise<number> {
  // Here and not above: the command line is one script, and a server's start shall not load this.
  const load = createRequire(import.meta.url);
  const { Command, InvalidArgumentError, Option } = load('commander') as Commander;
  let code = 0;
  const version = (text: string) => {
    const n = Number(text);
    if (Number.isInteger(n) && n >= RDB_VERSION && n <= RDB_VERSION_MAX) return n;
    throw new InvalidArgumentError(`it is ${RDB_VERSION} to ${RDB_VERSION_MAX}`);
  };
  const program = new Command('respite').description('Tools for the files of a server.');
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
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    output.err(`respite: ${error instanceof Error ? error.message : String(error)}\n`);
    code = 1;
  }
  return code;
}
