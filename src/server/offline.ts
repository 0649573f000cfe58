/**
 * A server without sockets, files of its own and clients, for tools: it runs the commands of
 * append-only files and has the data then.
 */
import { Config } from '../config/config.ts';
import type { Keyspace } from '../keyspace/keyspace.ts';
import { clearInterval, setInterval } from '../util/timers.ts';
import { Server } from './server.ts';

/** Databases that files may use. */
const DATABASES = 256;
const INTERVAL_MS = 100;

export interface OfflineData {
  readonly space: Keyspace;
  /** Source texts of function libraries. */
  readonly functions: readonly Uint8Array[];
}

/**
 * The data of an append-only file or a manifest of such files. Rejects with what is wrong at which
 * byte. `onProgress` is told of the bytes done, some times a second.
 */
export async function loadCommandFiles(
  file: string,
  onProgress: (done: number, total: number) => void,
): Promise<OfflineData> {
  const config = new Config();
  config.loadPairs([
    ['save', ''],
    ['databases', String(DATABASES)],
  ]);
  const server = new Server(config, { log: () => {}, loadsData: false });
  const { keyspace, loader, persistence } = server;
  const timer = setInterval(() => {
    onProgress(loader.progress.loaded, loader.progress.total);
  }, INTERVAL_MS);
  try {
    await loader.replace(file);
  } finally {
    clearInterval(timer);
  }
  // Expired keys are shown, as everything is that is in the file.
  keyspace.expiryEnabled = false;
  return { space: keyspace, functions: persistence.functions.sources() };
}
