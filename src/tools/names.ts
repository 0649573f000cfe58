/**
 * Which words begin a tool's command and not a server's. Apart from the tools, so that a server
 * that starts loads nothing of them.
 */
export const COMMANDS: readonly string[] = [
  'check',
  'convert',
  'ping',
  'info',
  'top',
  'completion',
];

/**
 * Whether arguments are those of a tool. A configuration file of such a name is given as ./check.
 */
export function isToolCommand(args: readonly string[]): boolean {
  return COMMANDS.includes(args[0] ?? '');
}
