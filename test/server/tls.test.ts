/** TLS: who gets in, with what, and what is said to those who do not. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ListenError } from '../../src/net/listen-error.ts';
import { connectTls } from '../../src/net/tls-connect.ts';
import type { Server } from '../../src/server/server.ts';
import { splitWords } from '../../src/util/words.ts';
import { Certificates, type KeyPair } from '../harness/certificates.ts';
import { atClose, closeAll, startServer, Talker, until } from '../harness/in-process-server.ts';
import { freePort } from '../harness/server-process.ts';

const run = promisify(execFile);

let certs: Certificates;
let serverPair: KeyPair;
let clientPair: KeyPair;
let strangerPair: KeyPair;
let lines: string[];

beforeAll(() => {
  certs = new Certificates();
  serverPair = certs.signed('server', '/O=respite tests/CN=localhost');
  clientPair = certs.signed('client', '/O=respite tests/CN=someone');
  strangerPair = certs.selfSigned('stranger', '/O=elsewhere/CN=someone');
});
afterAll(() => certs.remove());
beforeEach(() => {
  lines = [];
});
afterEach(closeAll);

const log = (line: string) => void lines.push(line.trim().replace(/^\S+ .*?\.\d{3} /, ''));

interface Running {
  readonly server: Server;
  readonly tlsPort: number;
}

async function start(directives: Readonly<Record<string, string>> = {}): Promise<Running> {
  const tlsPort = await freePort();
  const all = {
    'tls-port': String(tlsPort),
    'tls-cert-file': serverPair.cert,
    'tls-key-file': serverPair.key,
    'tls-ca-cert-file': certs.ca,
    'tls-auth-clients': 'no',
    ...directives,
  };
  try {
    return { server: await startServer(all, { log }), tlsPort };
  } catch (error) {
    // Another process may have taken the port between the two lines above.
    if (!(error instanceof ListenError) || error.code !== 'EADDRINUSE') throw error;
    lines.length = 0;
    return start(directives);
  }
}

/** A connection over TLS, once its handshake is done. */
function dial(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    atClose(() => socket.destroy());
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** What comes after a line is sent: the reply, or why there is none. */
function ask(socket: tls.TLSSocket | net.Socket, line: string): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1').trim()));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => resolve('closed'));
    socket.write(`${line}\r\n`);
  });
}

/** The outcome of PING over a new connection. */
async function ping(port: number, options: tls.ConnectionOptions = {}): Promise<string> {
  try {
    const socket = await dial(port, options);
    return await ask(socket, 'PING');
  } catch (error) {
    return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? '') : '';
  }
}

const asClient = (pair: KeyPair): tls.ConnectionOptions => {
  const { cert, key } = contentsOf(pair);
  return { cert, key };
};

const readText = (file: string) => readFileSync(file, 'latin1');

/** Long enough for whatever is on its way on this machine. */
async function nextTurns(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

function contentsOf({ cert, key }: KeyPair): { cert: string; key: string } {
  return { cert: readText(cert), key: readText(key) };
}

describe('clients over TLS', () => {
  it('are served beside plain ones, and are named alike', async () => {
    const { server, tlsPort } = await start();
    expect(await ping(tlsPort)).toBe('+PONG');
    const plain = await Talker.open(server);
    expect(await plain.ask('PING')).toBe('+PONG');
    const socket = await dial(tlsPort);
    const list = await ask(socket, 'CLIENT INFO');
    expect(list).toContain(`laddr=127.0.0.1:${tlsPort} fd=`);
    expect(list).toMatch(/ fd=[1-9]\d* /);
  });

  it('may come to tls-port alone, with port 0', async () => {
    const { server, tlsPort } = await start();
    const talker = await Talker.open(server);
    expect(await talker.ask('CONFIG SET port 0')).toBe('+OK');
    expect(await ping(tlsPort)).toBe('+PONG');
    expect(server.port).toBe(tlsPort);
    expect(server.info).toBeDefined();
    expect(await talker.ask('INFO server')).toContain(`tcp_port:${tlsPort}`);
  });

  it('send and get a lot: nothing is lost, all comes in order', async () => {
    const { tlsPort } = await start();
    const redis = new Redis({ port: tlsPort, tls: { rejectUnauthorized: false } });
    atClose(() => redis.quit());
    const value = Buffer.alloc(3_000_000, 'respite ');
    await redis.set('large', value);
    expect((await redis.getBuffer('large'))?.equals(value)).toBe(true);
    const pipeline = redis.pipeline();
    for (let i = 0; i < 5000; i++) pipeline.echo(`${i}:${'x'.repeat(i % 300)}`);
    const replies = await pipeline.exec();
    expect(replies?.map(([, text]) => String(text).split(':')[0])).toEqual(
      Array.from({ length: 5000 }, (_, i) => String(i)),
    );
  });

  it('get messages and replies while they do not read, within limits', async () => {
    const { server, tlsPort } = await start({ 'client-output-buffer-limit': 'pubsub 1mb 0 0' });
    const listener = await dial(tlsPort);
    listener.on('error', () => {});
    await ask(listener, 'SUBSCRIBE news');
    listener.pause();
    const talker = await Talker.open(server);
    const message = 'm'.repeat(100_000);
    let receivers = ':1';
    for (let i = 0; receivers === ':1' && i < 500; i++) {
      receivers = await talker.ask(`PUBLISH news ${message}`);
    }
    expect(receivers).toBe(':0');
    expect(lines.some((line) => line.includes('overcoming of output buffer limits'))).toBe(true);
  });

  it('work: ioredis, node-redis, redis-cli', async () => {
    const { tlsPort } = await start();
    const ca = readText(certs.ca);
    const redis = new Redis(`rediss://localhost:${tlsPort}`, { family: 4, tls: { ca } });
    atClose(() => redis.quit());
    expect(await redis.set('a', '1')).toBe('OK');
    const client = createClient({
      url: `rediss://127.0.0.1:${tlsPort}`,
      socket: { tls: true, ca, servername: 'localhost' },
    });
    await client.connect();
    atClose(() => client.close());
    expect(await client.get('a')).toBe('1');
    const { stdout } = await run('redis-cli', [
      ...['--tls', '--cacert', certs.ca, '-h', '127.0.0.1', '-p', String(tlsPort), 'GET', 'a'],
    ]);
    expect(stdout.trim()).toBe('1');
  });

  it('are ended by others in the middle of their pipelines', async () => {
    const { server, tlsPort } = await start();
    const all = await Promise.all(Array.from({ length: 20 }, () => dial(tlsPort)));
    const ids = await Promise.all(
      all.map(async (socket) => (await ask(socket, 'CLIENT ID')).slice(1)),
    );
    const ended = all.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.on('error', () => {});
          socket.once('close', () => resolve());
          socket.resume();
        }),
    );
    all.forEach((socket, i) => {
      const next = ids[(i + 1) % ids.length]!;
      const filler = `ECHO ${'x'.repeat(900)}\r\n`.repeat(40);
      socket.write(`${filler}CLIENT KILL ID ${next}\r\n${filler}`);
    });
    const talker = await Talker.open(server);
    await talker.ask('CLIENT KILL TYPE normal SKIPME yes');
    await Promise.all(ended);
    expect(await talker.ask('PING')).toBe('+PONG');
    await until(() => server.clients.size === 1);
  });
});

describe('certificates of clients', () => {
  it('tls-auth-clients yes: a valid one gets in, none and others do not', async () => {
    const { server, tlsPort } = await start({ 'tls-auth-clients': 'yes' });
    expect(await ping(tlsPort, asClient(clientPair))).toBe('+PONG');
    expect(await ping(tlsPort)).not.toBe('+PONG');
    expect(await ping(tlsPort, asClient(strangerPair))).not.toBe('+PONG');
    await until(() => server.clients.size <= 1);
    const failures = lines.filter((line) => line.includes('Error accepting a client connection'));
    expect(failures).toHaveLength(2);
    expect(failures[0]).toContain('peer did not return a certificate');
    expect(failures[1]).toMatch(/self[- ]signed certificate/i);
  });

  it('tls-auth-clients optional: none gets in, a wrong one does not', async () => {
    const { tlsPort } = await start({ 'tls-auth-clients': 'optional' });
    expect(await ping(tlsPort)).toBe('+PONG');
    expect(await ping(tlsPort, asClient(clientPair))).toBe('+PONG');
    expect(await ping(tlsPort, asClient(strangerPair))).not.toBe('+PONG');
  });

  it('tls-auth-clients no: nobody is asked', async () => {
    const { tlsPort } = await start();
    expect(await ping(tlsPort, asClient(strangerPair))).toBe('+PONG');
  });

  it('tls-ca-cert-dir has authorities by the names that rehash gives', async () => {
    const directory = certs.file('authorities');
    mkdirSync(directory, { recursive: true });
    const { stdout } = await run('openssl', ['x509', '-hash', '-noout', '-in', certs.ca]);
    copyFileSync(certs.ca, path.join(directory, `${stdout.trim()}.0`));
    copyFileSync(strangerPair.cert, path.join(directory, 'not-a-hash.crt'));
    const { tlsPort } = await start({
      'tls-ca-cert-file': '',
      'tls-ca-cert-dir': directory,
      'tls-auth-clients': 'yes',
    });
    expect(await ping(tlsPort, asClient(clientPair))).toBe('+PONG');
    expect(await ping(tlsPort, asClient(strangerPair))).not.toBe('+PONG');
  });

  it('CONFIG SET tls-auth-clients counts from the next connection on', async () => {
    const { server, tlsPort } = await start();
    const before = await dial(tlsPort);
    const talker = await Talker.open(server);
    expect(await talker.ask('CONFIG SET tls-auth-clients yes')).toBe('+OK');
    expect(await ping(tlsPort)).not.toBe('+PONG');
    expect(await ask(before, 'PING')).toBe('+PONG');
  });
});

describe('users by certificate', () => {
  const whoAmI = async (port: number, subject: string): Promise<string> => {
    const pair = certs.signed('user', subject);
    const socket = await dial(port, asClient(pair));
    return ask(socket, 'ACL WHOAMI');
  };

  it('the common name is the user; names of no user, off ones and others are not', async () => {
    const { server, tlsPort } = await start({
      'tls-auth-clients': 'yes',
      'tls-auth-clients-user': 'CN',
    });
    const admin = await Talker.open(server);
    for (const rule of [
      'alice on nopass ~a:* +@all',
      'bob off +@all',
      'zo\xc3\xab on +@all',
      'default resetkeys',
    ]) {
      const words = splitWords(
        `ACL SETUSER "${rule.split(' ')[0]}" ${rule.split(' ').slice(1).join(' ')}`,
      );
      admin.connection.send(...words!.map((word) => Buffer.from(word, 'latin1')));
      expect(await admin.next()).toBe('+OK');
    }
    expect(await whoAmI(tlsPort, '/O=x/CN=alice')).toBe('$5\r\nalice');
    expect(await whoAmI(tlsPort, '/O=x/CN=zo\u00eb')).toContain('zo\u00c3\u00ab');
    for (const subject of [
      '/O=x/CN=bob',
      '/O=x/CN=Alice',
      '/O=x/CN=__proto__',
      '/O=alice',
      '/O=x/CN=alice/CN=other',
      '/O=x/CN=alice\\nx',
      '/O=x/CN= alice',
    ]) {
      expect(`${subject} ${await whoAmI(tlsPort, subject)}`).toBe(`${subject} $7\r\ndefault`);
    }
    const entries = await admin.ask('ACL LOG 1');
    expect(entries).toContain('tls-cert');
    expect(await admin.ask('INFO stats')).toMatch(/acl_access_denied_tls_cert:[1-9]/);
    const alice = await dial(tlsPort, asClient(certs.signed('user', '/O=x/CN=alice')));
    expect(await ask(alice, 'GET b:1')).toMatch(/^-NOPERM/);
    expect(await ask(alice, 'GET a:1')).toBe('$-1');
  });

  it('the user needs no password, the others still do; off by default', async () => {
    const { server, tlsPort } = await start({ 'tls-auth-clients': 'yes', requirepass: 'secret' });
    const admin = await Talker.open(server);
    await admin.ask('AUTH secret');
    await admin.ask('ACL SETUSER alice on ~* +@all');
    expect(await whoAmI(tlsPort, '/CN=alice')).toMatch(/^-NOAUTH/);
    await admin.ask('CONFIG SET tls-auth-clients-user CN');
    expect(await whoAmI(tlsPort, '/CN=alice')).toBe('$5\r\nalice');
    expect(await whoAmI(tlsPort, '/CN=someone')).toMatch(/^-NOAUTH/);
  });
});

describe('what is negotiated', () => {
  it('tls-protocols: only the versions that are named', async () => {
    const { server, tlsPort } = await start({ 'tls-protocols': 'tlsv1.3' });
    const version = async (maxVersion: tls.SecureVersion) => {
      try {
        return (await dial(tlsPort, { maxVersion, minVersion: 'TLSv1.2' })).getProtocol();
      } catch {
        return 'refused';
      }
    };
    expect(await version('TLSv1.3')).toBe('TLSv1.3');
    expect(await version('TLSv1.2')).toBe('refused');
    const talker = await Talker.open(server);
    talker.connection.send('CONFIG', 'SET', 'tls-protocols', 'TLSv1.2');
    expect(await talker.next()).toBe('+OK');
    expect(await version('TLSv1.3')).toBe('TLSv1.2');
  });

  it('ciphers, cipher suites and who chooses', async () => {
    const { server, tlsPort } = await start({
      'tls-ciphers': 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384',
      'tls-ciphersuites': 'TLS_CHACHA20_POLY1305_SHA256',
    });
    const cipher = async (options: tls.ConnectionOptions) =>
      (await dial(tlsPort, options)).getCipher().name;
    expect(await cipher({})).toBe('TLS_CHACHA20_POLY1305_SHA256');
    const strongFirst: tls.ConnectionOptions = {
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256',
    };
    expect(await cipher(strongFirst)).toBe('ECDHE-ECDSA-AES256-GCM-SHA384');
    const talker = await Talker.open(server);
    expect(await talker.ask('CONFIG SET tls-prefer-server-ciphers yes')).toBe('+OK');
    expect(await cipher(strongFirst)).toBe('ECDHE-ECDSA-AES128-GCM-SHA256');
  });

  it('tls-session-caching: sessions are resumed, or not', async () => {
    const { server, tlsPort } = await start();
    const resumes = async (maxVersion: tls.SecureVersion) => {
      const first = await dial(tlsPort, { maxVersion });
      const session = new Promise<Buffer>((resolve) => first.once('session', resolve));
      await ask(first, 'PING');
      const noTicket = nextTurns().then(() => undefined);
      const ticket =
        maxVersion === 'TLSv1.2' ? first.getSession() : await Promise.race([session, noTicket]);
      if (ticket === undefined) return false;
      return (await dial(tlsPort, { maxVersion, session: ticket })).isSessionReused();
    };
    expect(await resumes('TLSv1.3')).toBe(true);
    expect(await resumes('TLSv1.2')).toBe(true);
    const talker = await Talker.open(server);
    expect(await talker.ask('CONFIG SET tls-session-caching no')).toBe('+OK');
    expect(await resumes('TLSv1.3')).toBe(false);
    expect(await resumes('TLSv1.2')).toBe(false);
  });

  it('a renewed certificate is served after CONFIG SET of the same names, to those who come', async () => {
    const { server, tlsPort } = await start();
    const subject = async () => (await dial(tlsPort)).getPeerCertificate().subject.CN;
    const before = await dial(tlsPort);
    const renewed = certs.signed('renewed', '/CN=renewed');
    const old = contentsOf(serverPair);
    try {
      copyFileSync(renewed.cert, serverPair.cert);
      copyFileSync(renewed.key, serverPair.key);
      expect(await subject()).toBe('localhost');
      const talker = await Talker.open(server);
      const { cert, key } = serverPair;
      expect(await talker.ask(`CONFIG SET tls-cert-file ${cert} tls-key-file ${key}`)).toBe('+OK');
      expect(await subject()).toBe('renewed');
      expect(await ask(before, 'PING')).toBe('+PONG');
    } finally {
      writeFileSync(serverPair.cert, old.cert);
      writeFileSync(serverPair.key, old.key);
    }
  });

  it('no renegotiation: the work that a client may ask for again and again', async () => {
    const { tlsPort } = await start();
    const socket = await dial(tlsPort, { maxVersion: 'TLSv1.2' });
    const outcome = await new Promise<string>((resolve) => {
      socket.on('error', (error) => resolve(error.message));
      socket.renegotiate({ rejectUnauthorized: false }, (error) => {
        resolve(error === null ? 'renegotiated' : error.message);
      });
    });
    expect(outcome).toMatch(/no renegotiation/i);
  });
});

describe('peers that do not speak TLS, or badly', () => {
  it('a plain client on the TLS port is ended, with a line in the log', async () => {
    const { server, tlsPort } = await start();
    const socket = net.connect(tlsPort, '127.0.0.1');
    atClose(() => socket.destroy());
    const outcome = await ask(socket, 'PING');
    expect(outcome).not.toContain('PONG');
    await until(() => lines.some((line) => line.includes('Error accepting a client connection')));
    expect(lines.find((line) => line.includes('Error accepting'))).toMatch(
      /^# Error accepting a client connection: .*wrong version number.* \(addr=127\.0\.0\.1:\d+\)$/,
    );
    await until(() => server.clients.size === 0);
  });

  it('a TLS client on the plain port is ended, with a line in the log', async () => {
    const { server } = await start();
    await expect(dial(server.port)).rejects.toThrow();
    expect(lines.some((line) => line.includes('A TLS client came to the port without TLS'))).toBe(
      true,
    );
    const talker = await Talker.open(server);
    expect(await talker.ask('PING')).toBe('+PONG');
  });

  it('garbage, half records and closed sockets leave nothing behind', async () => {
    const { server, tlsPort } = await start();
    const hello = Buffer.from('160301020001000fc0303', 'hex');
    const inputs = [
      Buffer.from([0x16]),
      hello,
      Buffer.concat([hello, Buffer.alloc(600)]),
      Buffer.alloc(70_000, 0x16),
      Buffer.from([0x15, 3, 3, 0, 2, 2, 40]),
      Buffer.from([0x17, 3, 3, 0x40, 0]),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    ];
    for (const input of inputs) {
      await new Promise<void>((resolve) => {
        const socket = net.connect(tlsPort, '127.0.0.1', () => socket.end(input));
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        socket.resume();
      });
    }
    await until(() => server.clients.size === 0);
    expect(server.endpoints.tls.acceptor.failures).toBe(inputs.length);
    expect(await ping(tlsPort)).toBe('+PONG');
  });

  it('a handshake that does not get on is given up', async () => {
    const { server, tlsPort } = await start();
    const silent = net.connect(tlsPort, '127.0.0.1');
    atClose(() => silent.destroy());
    const ended = new Promise<void>((resolve) => silent.once('close', () => resolve()));
    silent.on('error', () => {});
    await until(() => server.clients.size === 1);
    server.endpoints.tls.acceptor.sweep(Number.POSITIVE_INFINITY);
    await ended;
    expect(lines.at(-1)).toContain('the handshake took too long');
    await until(() => server.clients.size === 0);
  });

  it('stalled handshakes do not keep others waiting', async () => {
    const { server, tlsPort } = await start();
    const stalled = Array.from({ length: 200 }, () => {
      const socket = net.connect(tlsPort, '127.0.0.1', () => socket.write(Buffer.from([0x16, 3])));
      socket.on('error', () => {});
      return socket;
    });
    atClose(() => stalled.forEach((socket) => void socket.destroy()));
    await until(() => server.clients.size === 200);
    expect(await ping(tlsPort)).toBe('+PONG');
    for (const socket of stalled) socket.destroy();
    await until(() => server.clients.size <= 1);
  });

  it('maxclients: who is one too many is ended before any handshake', async () => {
    const { server, tlsPort } = await start({ maxclients: '1' });
    await Talker.open(server);
    expect(await ping(tlsPort)).not.toBe('+PONG');
    expect(server.stats.rejectedConnections).toBe(1);
    expect(lines.at(-1)).toContain('max number of clients reached');
  });
});

describe('connections of our own', () => {
  const connectOutcome = (server: Server, port: number): Promise<string> =>
    new Promise((resolve) => {
      const context = server.endpoints.tls.clientContext();
      const socket = connectTls({ host: '127.0.0.1', port, context });
      atClose(() => socket.destroy());
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.once('secureConnect', () => resolve(ask(socket, 'PING')));
    });

  it('trust who the authorities trust, and show the certificate for clients', async () => {
    const { server: other, tlsPort } = await start({ 'tls-auth-clients': 'yes' });
    const { server } = await start({
      'tls-client-cert-file': clientPair.cert,
      'tls-client-key-file': clientPair.key,
    });
    expect(await connectOutcome(server, tlsPort)).toBe('+PONG');
    const talker = await Talker.open(other);
    await talker.ask(
      `CONFIG SET tls-cert-file ${strangerPair.cert} tls-key-file ${strangerPair.key}`,
    );
    expect(await connectOutcome(server, tlsPort)).toMatch(/SELF_SIGNED|VERIFY/);
    expect(await connectOutcome(server, other.port)).toMatch(/ECONNRESET|EPROTO|disconnected/);
  });
});
