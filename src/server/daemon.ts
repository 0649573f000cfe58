/**
 * `daemonize yes`: the server as a process of its own in the background. Other than redis-server,
 * whose first process ends at once, the one that was called waits until clients are served: what a
 * script does next finds a server, and a start that failed has an exit code.
 */
import type { Config } from '../config/config.ts';
import { managerOf } from './supervisor.ts';

/** Set in the environment of the process in the background. */
const DAEMON = 'RESPITE__DAEMON';

const failed =
  'respite did not start. The log file, or a start without "daemonize yes", tells why.\n';

/** Whether this process is the one in the background; the mark is hidden from what follows. */
export function isDaemon(env: NodeJS.ProcessEnv): boolean {
  const marked = env[DAEMON] !== undefined;
  delete env[DAEMON];
  return marked;
}

/** As redis-server: who has a service manager stays where that one sees it. */
export function goesToBackground(config: Config, env: NodeJS.ProcessEnv): boolean {
  return config.bool('daemonize') && managerOf(config.string('supervised'), env) === 'no';
}

/** Starts this program again in the background, and ends when that one is ready or has ended. */
export function startInBackground(): void {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const child = spawn(process.execPath, process.argv.slice(1), {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, [DAEMON]: '1' },
  });
  const fail = () => {
    process.stderr.write(failed);
    process.exitCode = 1;
  };
  child.once('error', fail);
  child.once('exit', fail);
  child.once('message', () => {
    child.off('exit', fail);
    child.disconnect();
    child.unref();
  });
}

/** In the background: tells the process that was called that clients are served now. */
export function tellReady(): void {
  // It may have been killed meanwhile, which is no reason to end.
  process.send?.('ready', undefined, undefined, () => {});
}
