/**
 * TLS of a server: the tls-* directives made into terms for those who connect and into a context
 * for connections of our own, anew whenever one of them changes. Connections that are there go on
 * with what they began with. Source: rules and texts of redis-server 7.0.15.
 */
import type { Config } from '../config/config.ts';
import { TlsAcceptor } from '../net/tls-acceptor.ts';
import { makeContexts, type TlsContexts, TlsError, type TlsSettings } from '../net/tls-context.ts';
import { CommandError } from '../util/errors.ts';
import { monotonicMs } from '../util/timers.ts';
import type { LogLevel } from './log.ts';

const refused = new CommandError('ERR Unable to update TLS configuration. Check server logs.');

export class Tls {
  readonly acceptor: TlsAcceptor;
  private readonly config: Config;
  private readonly log: (level: LogLevel, message: string) => void;
  private contexts: TlsContexts | undefined = undefined;

  constructor(config: Config, log: (level: LogLevel, message: string) => void) {
    this.config = config;
    this.log = log;
    this.acceptor = new TlsAcceptor(monotonicMs, (message) => log('warning', message));
  }

  /** Whether anything of the configuration uses TLS. */
  get isWanted(): boolean {
    const { config } = this;
    return config.number('tls-port') !== 0 || this.dials;
  }

  /** Whether connections of our own use TLS: to a master, to targets of MIGRATE. */
  private get dials(): boolean {
    return this.config.bool('tls-replication') || this.config.bool('tls-cluster');
  }

  /**
   * Context for connections of our own. Throws TlsError when the directives make none; asked for
   * only where they say that TLS is used.
   */
  clientContext(): TlsContexts['client'] {
    this.contexts ??= makeContexts(this.settings());
    return this.contexts.client;
  }

  /** Reads directives and files anew. Returns false, and says why in the log, when it cannot. */
  load(): boolean {
    try {
      const contexts = makeContexts(this.settings());
      this.contexts = contexts;
      const clients = this.config.string('tls-auth-clients');
      this.acceptor.terms = {
        context: contexts.server,
        asks: clients !== 'no',
        demands: clients === 'yes',
      };
      return true;
    } catch (error) {
      if (!(error instanceof TlsError)) throw error;
      this.log('warning', error.message);
      return false;
    }
  }

  /** There must be terms. Throws CommandError when there are none and the directives make none. */
  ensure(): void {
    if (this.acceptor.terms === undefined && !this.load()) throw refused;
  }

  /** A directive has changed. Throws CommandError when the new ones make no context. */
  reload(): void {
    this.contexts = undefined;
    if (this.isWanted && !this.load()) throw refused;
  }

  private settings(): TlsSettings {
    const { config } = this;
    return {
      certFile: config.path('tls-cert-file'),
      keyFile: config.path('tls-key-file'),
      keyPass: config.path('tls-key-file-pass'),
      clientCertFile: config.path('tls-client-cert-file'),
      clientKeyFile: config.path('tls-client-key-file'),
      clientKeyPass: config.path('tls-client-key-file-pass'),
      caCertFile: config.path('tls-ca-cert-file'),
      caCertDir: config.path('tls-ca-cert-dir'),
      dhParamsFile: config.path('tls-dh-params-file'),
      protocols: config.string('tls-protocols'),
      ciphers: config.string('tls-ciphers'),
      ciphersuites: config.string('tls-ciphersuites'),
      preferServerCiphers: config.bool('tls-prefer-server-ciphers'),
      sessionCaching: config.bool('tls-session-caching'),
      sessionSeconds: config.number('tls-session-cache-timeout'),
      verifies: config.string('tls-auth-clients') !== 'no' || this.dials,
    };
  }
}
