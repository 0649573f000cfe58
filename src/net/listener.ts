/**
 * Listening sockets: TCP on several addresses, and a unix socket. Each accepted socket becomes a
 * `Connection` that shares one read buffer with all others.
 */
import { chmodSync, existsSync, lstatSync, unlinkSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { adoptPlain, Connection } from './connection.ts';
import { ListenError } from './listen-error.ts';

/** Big enough that a pipelining client's burst is one chunk. */
const READ_BUFFER_BYTES = 64 * 1024;

/** Where to listen. */
export interface TcpAddress {
  /** An address or a host name. */
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly backlog: number;
}

/**
 * A method of Node's servers that is not in their types: binds at once, as `listen` does later.
 * `listen` tests whether a host is an address by a regular expression that takes 1.4 MB and some
 * milliseconds to compile.
 */
export interface ImmediateServer extends Server {
  _listen2?(
    host: string,
    port: number,
    family: 4 | 6,
    backlog: number,
    fd: null,
    flags: 0 | 1,
  ): void;
}

/** libuv's UV_TCP_IPV6ONLY. */
const IPV6_ONLY = 1;

/** Makes a connection of an accepted, paused socket; `readBuffer` is shared by all. */
export type Receive = (
  socket: Socket,
  readBuffer: Buffer,
  unixPath: string | undefined,
) => Connection;

const receivePlain: Receive = (socket, readBuffer, unixPath) =>
  new Connection(socket, unixPath, adoptPlain(readBuffer));

export class Listener {
  private readonly tcpServers: Server[] = [];
  private readonly unixServers: Server[] = [];
  private readonly readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  private readonly accept: (connection: Connection) => void;
  private readonly receive: Receive;
  private readonly unixPaths: string[] = [];
  /** What the system has said of it: asking takes a call. */
  private firstAddress: AddressInfo | undefined = undefined;
  /** Addresses of host names that were looked up: `listenTcpNow` cannot wait for an answer. */
  private readonly addresses = new Map([['localhost', '127.0.0.1']]);

  constructor(accept: (connection: Connection) => void, receive = receivePlain) {
    this.accept = accept;
    this.receive = receive;
  }

  /** Address of the first TCP socket that listens, or undefined. */
  get address(): AddressInfo | undefined {
    this.firstAddress ??= this.tcpServers[0]?.address() as AddressInfo | undefined;
    return this.firstAddress;
  }

  /** Listens on a TCP address. Returns the port. Throws ListenError. */
  async listenTcp(where: TcpAddress): Promise<number> {
    const { host, port, backlog } = where;
    const name = `${host}:${port}`;
    const address = await this.lookUp(host, name);
    const server: ImmediateServer = this.create(undefined);
    const family = familyOf(address);
    await this.listen(server, name, () => {
      if (server._listen2 === undefined) {
        server.listen({ host: address, port, backlog, ipv6Only: family === 6 });
      } else bindNow(server, address, where);
    });
    this.tcpServers.push(server);
    return (server.address() as AddressInfo).port;
  }

  /**
   * As `listenTcp`, but without waiting: for a command that must reply at once. Returns whether it
   * listens; `failed` hears the reason later. A host name must be `localhost` or one that
   * `listenTcp` has looked up.
   */
  listenTcpNow(where: TcpAddress, failed: (error: ListenError) => void): boolean {
    const { host } = where;
    const address = familyOf(host) === 0 ? this.addresses.get(host) : host;
    const server = this.create(undefined);
    if (!listenNow(server, address, where, failed)) return false;
    this.tcpServers.push(server);
    return true;
  }

  /**
   * Listens on a unix socket. `mode` 0 leaves the permissions to the umask; otherwise the socket
   * never has more than `mode`, not even for a moment (CVE-2023-45145). Throws ListenError.
   */
  async listenUnix(path: string, mode: number, backlog: number): Promise<void> {
    removeLeftover(path);
    const server = this.create(path);
    const umask = mode === 0 ? undefined : process.umask(0o777 & ~mode);
    try {
      await this.listen(server, path, () => server.listen({ path, backlog }));
    } finally {
      if (umask !== undefined) process.umask(umask);
    }
    if (mode !== 0) chmodSync(path, mode);
    this.unixServers.push(server);
    this.unixPaths.push(path);
  }

  /** Stops accepting on TCP; the ports are free when it returns. Open connections go on. */
  closeTcp(): void {
    for (const server of this.tcpServers) server.close();
    this.tcpServers.length = 0;
    this.firstAddress = undefined;
  }

  /** Stops accepting. Open connections go on until they are ended. */
  close(): void {
    this.closeTcp();
    for (const server of this.unixServers) server.close();
    this.unixServers.length = 0;
    for (const path of this.unixPaths) {
      if (existsSync(path)) unlinkSync(path);
    }
    this.unixPaths.length = 0;
  }

  /** The address of a host name; IPv4, as redis-server takes it. */
  private async lookUp(host: string, name: string): Promise<string> {
    if (familyOf(host) !== 0) return host;
    try {
      const { lookup } = process.getBuiltinModule('node:dns/promises');
      const { address } = await lookup(host, { family: 4 });
      this.addresses.set(host, address);
      return address;
    } catch {
      throw new ListenError(name, 'Name or service not known');
    }
  }

  private create(unixPath: string | undefined): Server {
    const server = createServer({ pauseOnConnect: true, noDelay: false });
    server.on('connection', (socket) => {
      if (socket.destroyed) return;
      this.accept(this.receive(socket, this.readBuffer, unixPath));
    });
    return server;
  }

  /** Waits until what `begin` begins has become a listening socket. Throws ListenError. */
  private listen(server: Server, name: string, begin: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = (error: Error) => reject(listenError(name, error));
      server.once('error', failed);
      server.once('listening', () => {
        server.off('error', failed);
        server.on('error', noop);
        resolve();
      });
      begin();
    });
  }
}

/** 4 or 6 for what looks like an address, 0 for a name. */
export function familyOf(host: string): 0 | 4 | 6 {
  if (host.includes(':')) return 6;
  return /^[0-9]+(\.[0-9]+){3}$/.test(host) ? 4 : 0;
}

/**
 * Has a server listen without waiting, on an address (undefined: its name is not known). Returns
 * whether it listens; `failed` hears the reason, later.
 */
export function listenNow(
  server: ImmediateServer,
  address: string | undefined,
  where: TcpAddress,
  failed: (error: ListenError) => void,
): boolean {
  const name = `${where.host}:${where.port}`;
  if (address === undefined || server._listen2 === undefined) {
    failed(new ListenError(name, 'Name or service not known'));
    return false;
  }
  server.on('error', (error) => failed(listenError(name, error)));
  bindNow(server, address, where);
  return server.listening;
}

/**
 * Removes what lies where a socket is to be: an old socket, a link, the empty file by which a
 * script reserved the name (mktemp). redis-server removes any file; one with content is not ours
 * to lose.
 */
function removeLeftover(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isDirectory()) return;
  if (found.isFile() && found.size > 0) throw listenError(path, { code: 'EEXIST' });
  unlinkSync(path);
}

function bindNow(server: ImmediateServer, address: string, { port, backlog }: TcpAddress): void {
  if (familyOf(address) === 6) server._listen2?.(address, port, 6, backlog, null, IPV6_ONLY);
  else server._listen2?.(address, port, 4, backlog, null, 0);
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Address already in use',
  EEXIST: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EACCES: 'Permission denied',
  // What only looked like an address.
  EINVAL: 'Name or service not known',
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
};

function listenError(
  address: string,
  error: Pick<NodeJS.ErrnoException, 'code'> & { message?: string },
): ListenError {
  const code = error.code ?? '';
  // libuv hides a missing directory under "permission denied".
  const missing = code === 'EACCES' && address.includes('/') && !existsSync(dirname(address));
  return new ListenError(
    address,
    reasons[missing ? 'ENOENT' : code] ?? error.message ?? code,
    code,
  );
}

function noop(): void {}
