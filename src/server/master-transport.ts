/**
 * The master's place among the clients: where its link comes from, and its end. What commands of
 * its stream are answered goes nowhere.
 */
import type { MasterLink } from '../replication/master-link.ts';
import type { Transport } from '../session/client.ts';
import type { Dialer } from './dial.ts';

export class MasterTransport implements Transport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly unixPath = undefined;
  readonly fd = -1;
  readonly unsentBytes = 0;
  private readonly link: MasterLink;

  constructor(link: MasterLink, dial: Dialer) {
    this.link = link;
    const ends = dial.endsOf(link);
    this.remoteAddress = ends.remoteAddress;
    this.remotePort = ends.remotePort;
    this.localAddress = ends.localAddress;
    this.localPort = ends.localPort;
  }

  write(): boolean {
    return true;
  }

  writeCopy(): boolean {
    return true;
  }

  end(): void {
    this.link.end('it was closed here');
  }

  destroy(): void {
    this.link.end('it was closed here');
  }
}
