/** What is told of clients. Types only. */

/** A client that is connected. */
export interface ClientInfo {
  readonly id: number;
  readonly name: string;
  /** `host:port`, `path:0` for a unix socket, `127.0.0.1:0` without a socket. */
  readonly address: string;
  readonly user: string;
  readonly db: number;
}
