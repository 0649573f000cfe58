/** The directives of TLS: what starts, what is refused, what is logged; beside redis-server. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Certificates, type KeyPair } from '../harness/certificates.ts';
import { closeAll, startServer, Talker } from '../harness/in-process-server.ts';
import { describeWithOracle, startOracle } from '../harness/oracle.ts';
import { freePort, type ServerProcess } from '../harness/server-process.ts';

let certs: Certificates;
let pair: KeyPair;
let other: KeyPair;
let locked: KeyPair;
let lines: string[];

beforeAll(() => {
  certs = new Certificates();
  pair = certs.signed('server', '/CN=localhost');
  other = certs.signed('other', '/CN=other');
  locked = certs.locked(pair, 'open sesame');
});
afterAll(() => certs.remove());
beforeEach(() => {
  lines = [];
});
afterEach(closeAll);

const log = (line: string) => void lines.push(line.trim().replace(/^\S+ .*?\.\d{3} /, ''));

/** Directives by name, and the first line that 7.0.15 logs; undefined: it starts. */
type Case = readonly [what: string, set: () => Record<string, string>, logged?: () => string];

const full = () => ({
  'tls-cert-file': pair.cert,
  'tls-key-file': pair.key,
  'tls-ca-cert-file': certs.ca,
});
const missing = 'error:80000002:system library::No such file or directory';

const cases: readonly Case[] = [
  ['all files', full],
  ['no certificate', () => ({}), () => 'No tls-cert-file configured!'],
  ['no key', () => ({ 'tls-cert-file': pair.cert }), () => 'No tls-key-file configured!'],
  [
    'nobody to trust',
    () => ({ 'tls-cert-file': pair.cert, 'tls-key-file': pair.key }),
    () =>
      'Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, ' +
      'tls-replication or tls-auth-clients are enabled!',
  ],
  [
    'nobody to trust, nobody asked',
    () => ({ 'tls-cert-file': pair.cert, 'tls-key-file': pair.key, 'tls-auth-clients': 'no' }),
  ],
  [
    'a certificate that is not there',
    () => ({ ...full(), 'tls-cert-file': '/nowhere/x.crt' }),
    () => `Failed to load certificate: /nowhere/x.crt: ${missing}`,
  ],
  [
    'a key that is not there',
    () => ({ ...full(), 'tls-key-file': '/nowhere/x.key' }),
    () => `Failed to load private key: /nowhere/x.key: ${missing}`,
  ],
  [
    'the key of another certificate',
    () => ({ ...full(), 'tls-key-file': other.key }),
    () =>
      `Failed to load private key: ${other.key}: ` +
      'error:05800074:x509 certificate routines::key values mismatch',
  ],
  [
    'a locked key',
    () => ({ ...full(), 'tls-key-file': locked.key, 'tls-key-file-pass': 'open sesame' }),
  ],
  [
    'an authority that is not there',
    () => ({ ...full(), 'tls-ca-cert-file': '/nowhere/ca.crt' }),
    () => `Failed to configure CA certificate(s) file/directory: ${missing}`,
  ],
  [
    'an authority that is none',
    () => ({ ...full(), 'tls-ca-cert-file': certs.garbage() }),
    () =>
      'Failed to configure CA certificate(s) file/directory: ' +
      'error:05800088:x509 certificate routines::no certificate or crl found',
  ],
  [
    'a directory of authorities that is not there',
    () => ({ ...full(), 'tls-ca-cert-dir': '/nowhere' }),
  ],
  ['ciphers', () => ({ ...full(), 'tls-ciphers': 'ECDHE+AESGCM:!aNULL' })],
  [
    'unknown ciphers',
    () => ({ ...full(), 'tls-ciphers': 'BLA' }),
    () => 'Failed to configure ciphers: BLA',
  ],
  ['suites', () => ({ ...full(), 'tls-ciphersuites': 'TLS_AES_128_GCM_SHA256' })],
  [
    'unknown suites',
    () => ({ ...full(), 'tls-ciphersuites': 'BLA' }),
    () => 'Failed to configure ciphersuites: BLA',
  ],
  ['one version', () => ({ ...full(), 'tls-protocols': 'TLSv1.3' })],
  ['versions with a gap', () => ({ ...full(), 'tls-protocols': 'tlsv1.1 TLSV1.3' })],
  [
    'unknown versions',
    () => ({ ...full(), 'tls-protocols': 'TLSv1.2 SSLv3' }),
    () =>
      "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and " +
      "'TLSv1.3'.",
  ],
  [
    'Diffie-Hellman parameters that are not there',
    () => ({ ...full(), 'tls-dh-params-file': '/nowhere/dh.pem' }),
    () => 'Failed to load /nowhere/dh.pem: No such file or directory',
  ],
  [
    'Diffie-Hellman parameters that are none',
    () => ({ ...full(), 'tls-dh-params-file': pair.cert }),
    () => `${pair.cert}: failed to read DH params.`,
  ],
  [
    'a certificate for clients that is not there',
    () => ({
      ...full(),
      'tls-client-cert-file': '/nowhere/x.crt',
      'tls-client-key-file': '/nowhere/x.key',
    }),
    () => `Failed to load certificate: /nowhere/x.crt: ${missing}`,
  ],
];

function each(body: (set: Case[1], logged: Case[2]) => Promise<void>): void {
  for (const [what, set, logged] of cases) it(what, () => body(set, logged));
}

describe('at start', () => {
  each(async (set, logged) => {
    const port = String(await freePort());
    const starting = startServer({ 'tls-port': port, ...set() }, { log });
    if (logged === undefined) {
      await starting;
      return;
    }
    await expect(starting).rejects.toThrow('Failed to configure TLS');
    expect(lines.slice(-2)).toEqual([
      `# ${logged()}`,
      '# Failed to configure TLS. Check logs for more info.',
    ]);
  });
});

describe('CONFIG SET', () => {
  const failed = (name: string) =>
    `-ERR CONFIG SET failed (possibly related to argument '${name}') - Unable to update TLS ` +
    'configuration. Check server logs.';

  each(async (set, logged) => {
    const port = String(await freePort());
    const server = await startServer(
      { 'tls-port': port, ...full(), 'tls-auth-clients': 'no' },
      { log },
    );
    const talker = await Talker.open(server);
    const unset = { 'tls-cert-file': '', 'tls-key-file': '', 'tls-ca-cert-file': '' };
    const wanted = { 'tls-auth-clients': 'yes', ...unset, ...set() };
    const before = await talker.ask('CONFIG GET tls*');
    talker.connection.send('CONFIG', 'SET', ...Object.entries(wanted).flat());
    const reply = await talker.next();
    if (logged === undefined) expect(reply).toBe('+OK');
    else {
      expect(reply).toMatch(/Unable to update TLS configuration. Check server logs.$/);
      expect(lines).toContain(`# ${logged()}`);
      expect(await talker.ask('CONFIG GET tls*')).toBe(before);
    }
  });

  it('opens, moves and closes the port; without a certificate it opens none', async () => {
    const server = await startServer({ 'tls-auth-clients': 'no' }, { log });
    const talker = await Talker.open(server);
    const port = await freePort();
    expect(await talker.ask(`CONFIG SET tls-port ${port}`)).toBe(failed('tls-port'));
    expect(lines).toContain('# No tls-cert-file configured!');
    expect(await talker.ask(`CONFIG SET tls-cert-file ${pair.cert}`)).toBe('+OK');
    expect(await talker.ask(`CONFIG SET tls-key-file ${pair.key} tls-port ${port}`)).toBe('+OK');
    expect(await talker.ask(`CONFIG SET tls-port ${server.port}`)).toBe(
      "-ERR CONFIG SET failed (possibly related to argument 'tls-port') - Unable to listen on this " +
        'port. Check server logs.',
    );
    expect(await talker.ask('CONFIG SET tls-port 0')).toBe('+OK');
    expect(await talker.ask('CONFIG GET tls-port')).toBe('*2 $8 tls-port $1 0');
  });
});

describeWithOracle('beside redis-server', () => {
  it('CONFIG SET takes and refuses the same', { timeout: 60_000 }, async () => {
    const files = Object.entries(full());
    const words = files.flatMap(([name, value]) => [`--${name}`, value]);
    const at = ['--tls-port', String(await freePort()), '--tls-auth-clients', 'no'];
    const oracle: ServerProcess = await startOracle([...at, ...words]);
    try {
      const server = await startServer(
        { 'tls-port': String(await freePort()), 'tls-auth-clients': 'no', ...full() },
        { log },
      );
      const talker = await Talker.open(server);
      const reference = await oracle.connect();
      for (const [what, set] of cases) {
        for (const [name, value] of Object.entries(set())) {
          const argv = ['CONFIG', 'SET', name, value];
          talker.connection.send(...argv);
          reference.send(...argv);
          const theirs = (await reference.receive()).bytes.toString('latin1').trim();
          expect(`${what}: ${await talker.next()}`).toBe(`${what}: ${theirs}`);
        }
      }
      await reference.close();
    } finally {
      await oracle.stop();
    }
  });
});
