/** What the entries for test runners share. */
import type { RespiteServer } from './api.ts';

/** Tells the program under test where the server is, as most programs are told. */
export function exportUrl(server: RespiteServer): void {
  const { env } = process;
  env['REDIS_URL'] = server.url;
  env['REDIS_HOST'] = server.host;
  env['REDIS_PORT'] = String(server.port);
}
