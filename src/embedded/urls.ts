/** How a server is reached, as client libraries want to be told: here or in a thread. */
import type { ClientOptions, UrlOptions } from './api.ts';
import { refuseUnknown } from './check.ts';

export abstract class Urls {
  abstract readonly host: string;
  abstract readonly port: number;
  /** Of the default user. */
  abstract readonly password: string | undefined;

  get url(): string {
    return this.urlFor();
  }

  /** `redis://:password@host:port/db`, what there is of it. */
  urlFor(options: UrlOptions = {}): string {
    refuseUnknown('urlFor()', options, ['db']);
    const { host, password, port } = this;
    const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    const path = options.db === undefined ? '' : `/${options.db}`;
    return `redis://${login}${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
  }

  /** The options of a client library. Throws TypeError for one that is not known. */
  options<Library extends keyof ClientOptions>(
    library: Library,
    options: UrlOptions = {},
  ): ClientOptions[Library] {
    refuseUnknown('options()', options, ['db']);
    const { host, password, port } = this;
    const { db = 0 } = options;
    const login = password === undefined ? {} : { password };
    const all: ClientOptions = {
      ioredis: { host, port, db, ...login },
      'node-redis': { socket: { host, port }, database: db, ...login },
    };
    const found = all[library];
    if (found === undefined) throw new TypeError(`no options for '${String(library)}'`);
    return found;
  }
}
