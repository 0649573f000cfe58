/**
 * ACL HELP.
 */
import { helpCommand } from '../help.ts';

export const aclHelp = helpCommand('server', '6.0.0', [
  'CAT [<category>]',
  '    The categories of commands, or the commands of one.',
  'DELUSER <username> [<username> ...]',
  '    Removes users; their connections end.',
  'DRYRUN <username> <command> [<arg> ...]',
  '    Whether a user may run a command line.',
  'GENPASS [<bits>]',
  '    A random password, of 256 bits unless told otherwise.',
  'GETUSER <username>',
  '    The rules of a user.',
  'LIST',
  '    All users as lines of a file.',
  'LOAD, SAVE',
  '    Reads or writes the ACL file.',
  'LOG [<count> | RESET]',
  '    What was refused of late.',
  'SETUSER <username> [<rule> ...]',
  '    Makes or changes a user.',
  'USERS',
  '    The names of all users.',
  'WHOAMI',
  '    The name of the user of this connection.',
]);
