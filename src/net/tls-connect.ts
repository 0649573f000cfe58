/**
 * Connections of our own that are encrypted: to a master, for `tls-replication`, to targets of
 * MIGRATE, for `tls-cluster`. As redis-server does it, the peer must show a certificate that the
 * configured authorities have signed; whose name is in it does not matter, because masters are
 * known by address.
 */
import type { SecureContext, TLSSocket } from 'node:tls';
import { nodeTls } from './tls-context.ts';

export interface TlsConnectOptions {
  readonly host: string;
  readonly port: number;
  /** `Tls.clientContext()` of the server. */
  readonly context: SecureContext;
  /** Address to connect from (`bind-source-addr`). */
  readonly localAddress?: string | undefined;
}

/**
 * Begins to connect. The socket, a `net.Socket` in all else, emits `secureConnect` when it may be
 * used, and `error` when the peer is not reached, not trusted, or does not speak TLS.
 */
export function connectTls({ host, port, context, localAddress }: TlsConnectOptions): TLSSocket {
  return nodeTls().connect({
    host,
    port,
    secureContext: context,
    rejectUnauthorized: true,
    checkServerIdentity: () => undefined,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
}
