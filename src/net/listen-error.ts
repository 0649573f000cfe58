/** Thrown when an address cannot be listened on. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** Where it was to listen: `host:port`, or the path of a unix socket. */
  readonly address: string;
  /** The TCP port; undefined for a unix socket. */
  readonly port: number | undefined;
  /** The system's code (`EADDRINUSE`), empty when there is none. */
  readonly code: string;

  constructor(address: string, reason: string, code = '') {
    super(reason);
    this.address = address;
    this.code = code;
    const port = address.startsWith('/') ? undefined : /:(\d+)$/.exec(address)?.[1];
    this.port = port === undefined ? undefined : Number(port);
  }
}
