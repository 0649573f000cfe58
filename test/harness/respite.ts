/** Our server as a child process from `dist`, as users run it. `test/harness/global-setup.ts` builds it. */
import path from 'node:path';
import { ServerProcess } from './server-process.ts';

export const root = path.resolve(import.meta.dirname, '../..');
export const respiteFile = path.join(root, 'dist/bin/respite.cjs');

export function startRespite(args: readonly string[] = []): Promise<ServerProcess> {
  return ServerProcess.start({
    name: 'respite',
    command: process.execPath,
    commandArgs: [respiteFile],
    args: ['--enable-debug-command', 'yes', ...args],
  });
}
