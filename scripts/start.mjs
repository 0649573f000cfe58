/**
 * `npm start -- <arguments of respite>`: installs and builds when needed, then is the server.
 *
 * The server runs in this very process: signals, exit code, stdin and stdout need no forwarding,
 * and the process that was started is the one that holds the data.
 */
import { pathToFileURL } from 'node:url';
import { ensureBuilt, ensureInstalled, serverFile } from './project.mjs';

await ensureInstalled();
await ensureBuilt();
process.argv[1] = serverFile;
if (process.env.npm_lifecycle_event !== undefined) endWithParent();
await import(pathToFileURL(serverFile).href);

/**
 * `kill <pid of npm>` ends npm and the shell it runs scripts in, but neither tells us. So when that
 * shell is gone, this process ends as if it had been sent the signal itself.
 */
function endWithParent() {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 200);
  timer.unref();
}
