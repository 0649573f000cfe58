/** How a server is reached, as client libraries want to be told. */
import type { ClientOptions, UrlOptions } from './api.ts';

interface Place {
  readonly host: string;
  readonly port: number;
}

/** `redis://:password@host:port/db`, what there is of it. */
export function urlOf(
  { host, port }: Place,
  password: string | undefined,
  { db }: UrlOptions = {},
): string {
  const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  const path = db === undefined ? '' : `/${db}`;
  return `redis://${login}${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
}

/** The options of a client library. Throws TypeError for one that is not known. */
export function clientOptions<Library extends keyof ClientOptions>(
  library: Library,
  place: Place,
  password: string | undefined,
  { db = 0 }: UrlOptions = {},
): ClientOptions[Library] {
  const { host, port } = place;
  const login = password === undefined ? {} : { password };
  const options: ClientOptions = {
    ioredis: { host, port, db, ...login },
    'node-redis': { socket: { host, port }, database: db, ...login },
  };
  const found = options[library];
  if (found === undefined) throw new TypeError(`no options for '${String(library)}'`);
  return found;
}
