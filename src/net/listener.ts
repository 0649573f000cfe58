/**
 * Listening sockets: TCP on several addresses, and a unix socket. Each accepted socket becomes a
 * `Connection` that shares one read buffer with all others.
 */
import { chmodSync, existsSync, statSync, unlinkSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { Connection } from './connection.ts';

/** Big enough that a pipelining client's burst is one chunk. */
const READ_BUFFER_BYTES = 64 * 1024;

/** Thrown when an address cannot be listened on. */
export class ListenError extends Error {
  readonly address: string;

  constructor(address: string, reason: string) {
    super(reason);
    this.address = address;
  }
}

export class Listener {
  private readonly servers: Server[] = [];
  private readonly readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  private readonly accept: (connection: Connection) => void;
  private readonly unixPaths: string[] = [];

  constructor(accept: (connection: Connection) => void) {
    this.accept = accept;
  }

  /** Address of the first TCP socket that listens, or undefined. */
  get address(): AddressInfo | undefined {
    for (const server of this.servers) {
      const address = server.address();
      if (address !== null && typeof address === 'object') return address;
    }
    return undefined;
  }

  /**
   * Listens on `host`:`port` (0: a free one). Returns the port. Throws ListenError.
   */
  async listenTcp(host: string | undefined, port: number, backlog: number): Promise<number> {
    const server = this.create(undefined);
    const ipv6Only = host === '::' || host?.includes(':') === true;
    await this.listen(server, { host, port, backlog, ipv6Only }, `${host ?? '*'}:${port}`);
    return (server.address() as AddressInfo).port;
  }

  /**
   * Listens on a unix socket. `mode` 0 leaves the permissions to the umask; otherwise the socket
   * never has more than `mode`, not even for a moment (CVE-2023-45145).
   */
  async listenUnix(path: string, mode: number, backlog: number): Promise<void> {
    if (existsSync(path) && statSync(path).isSocket()) unlinkSync(path);
    const server = this.create(path);
    const umask = mode === 0 ? undefined : process.umask(0o777 & ~mode);
    try {
      await this.listen(server, { path, backlog }, path);
    } finally {
      if (umask !== undefined) process.umask(umask);
    }
    if (mode !== 0) chmodSync(path, mode);
    this.unixPaths.push(path);
  }

  /** Stops accepting. Open connections go on until they are ended. */
  close(): void {
    for (const server of this.servers) server.close();
    this.servers.length = 0;
    for (const path of this.unixPaths) {
      if (existsSync(path)) unlinkSync(path);
    }
    this.unixPaths.length = 0;
  }

  private create(unixPath: string | undefined): Server {
    const server = createServer({ pauseOnConnect: true, noDelay: false });
    server.on('connection', (socket) => {
      if (socket.destroyed) return;
      this.accept(new Connection(socket, this.readBuffer, unixPath));
    });
    return server;
  }

  private listen(
    server: Server,
    options: Parameters<Server['listen']>[0] & object,
    address: string,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException) => {
        reject(new ListenError(address, reasonOf(error)));
      };
      server.once('error', failed);
      server.listen(options, () => {
        server.off('error', failed);
        server.on('error', noop);
        this.servers.push(server);
        resolve();
      });
    });
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'EADDRINUSE') return 'Address already in use';
  if (error.code === 'EADDRNOTAVAIL') return 'Cannot assign requested address';
  if (error.code === 'EACCES') return 'Permission denied';
  return error.message;
}

function noop(): void {}
