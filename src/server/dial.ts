/**
 * How a replica reaches its master: which socket, from where, in the clear or encrypted.
 */
import type { SecureContext } from 'node:tls';
import type { Config } from '../config/config.ts';
import { Outgoing } from '../net/outgoing.ts';
import type { MasterLink, Wire } from '../replication/master-link.ts';

/** Both ends of a connection. */
export interface Ends {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

const nowhere: Ends = { remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0 };

export interface DialerParts {
  readonly config: Config;
  /** The ports that this server listens on; 0 for none. */
  readonly port: () => number;
  readonly tlsPort: () => number;
  /** What connections of our own are encrypted with. Throws where nothing makes it. */
  readonly context: () => SecureContext;
}

export class Dialer {
  private readonly parts: DialerParts;
  private readonly wires = new WeakMap<MasterLink, Outgoing>();

  constructor(parts: DialerParts) {
    this.parts = parts;
  }

  /** The port at which others reach this server, as a master is told. */
  announcedPort(): number {
    const { config, port, tlsPort } = this.parts;
    return (config.bool('tls-replication') && tlsPort()) || port();
  }

  /** Begins to connect; the link is told how it goes, in later turns. */
  open(to: { readonly host: string; readonly port: number }, link: MasterLink): Wire {
    const { config, context } = this.parts;
    const wire = new Outgoing(
      {
        host: to.host,
        port: to.port,
        sourceAddress: config.string('bind-source-addr'),
        tls: config.bool('tls-replication') ? context() : undefined,
      },
      link,
    );
    this.wires.set(link, wire);
    return wire;
  }

  /** Where a link's connection begins and ends. */
  endsOf(link: MasterLink): Ends {
    return this.wires.get(link) ?? nowhere;
  }
}
