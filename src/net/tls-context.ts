/**
 * What the tls-* directives say, made into OpenSSL contexts: one for those who connect to us, one
 * for connections of our own. Sources: the checks, their order and texts are those of redis-server
 * 7.0.15; what goes into a context is in Node's documentation of `tls.createSecureContext`.
 *
 * `node:tls` is loaded when the first context is made: without TLS it would cost each start.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SecureContext, SecureContextOptions, SecureVersion } from 'node:tls';
import { getSystemErrorMap } from 'node:util';
import { crypto } from '../util/crypto.ts';

/** What the directives of these names hold; empty texts are not set. */
export interface TlsSettings {
  readonly certFile: string;
  readonly keyFile: string;
  readonly keyPass: string;
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  readonly clientKeyPass: string;
  readonly caCertFile: string;
  readonly caCertDir: string;
  readonly dhParamsFile: string;
  readonly protocols: string;
  readonly ciphers: string;
  readonly ciphersuites: string;
  readonly preferServerCiphers: boolean;
  readonly sessionCaching: boolean;
  readonly sessionSeconds: number;
  /** Whether anyone's certificate is to be checked. */
  readonly verifies: boolean;
}

export interface TlsContexts {
  readonly server: SecureContext;
  /** For connections of our own. */
  readonly client: SecureContext;
}

/** Settings that make no context; the message is for the log. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
}

/** Node's TLS, loaded when it is wanted. */
export function nodeTls(): typeof import('node:tls') {
  return process.getBuiltinModule('node:tls');
}

/** Makes the contexts. Reads the files that are named. Throws TlsError. */
export function makeContexts(settings: TlsSettings): TlsContexts {
  const { certFile, keyFile, clientCertFile, clientKeyFile } = settings;
  if (certFile === '') throw new TlsError('No tls-cert-file configured!');
  if (keyFile === '') throw new TlsError('No tls-key-file configured!');
  if (settings.verifies && settings.caCertFile === '' && settings.caCertDir === '') {
    throw new TlsError(
      'Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, ' +
        'tls-replication or tls-auth-clients are enabled!',
    );
  }
  const shared = {
    ...protocolOptions(settings),
    ...authorityOptions(settings),
    ...cipherOptions(settings),
    ...dhOptions(settings),
    sessionTimeout: settings.sessionSeconds,
    sessionIdContext: 'respite',
  };
  const server = { ...shared, ...keyOptions(certFile, keyFile, settings.keyPass) };
  // As redis-server: both files name a certificate for our own connections, else the server's is.
  const client =
    clientCertFile !== '' && clientKeyFile !== ''
      ? { ...shared, ...keyOptions(clientCertFile, clientKeyFile, settings.clientKeyPass) }
      : server;
  return { server: contextOf(server), client: contextOf(client) };
}

function contextOf(options: SecureContextOptions): SecureContext {
  try {
    return nodeTls().createSecureContext(options);
  } catch (error) {
    throw new TlsError(`Failed to configure TLS: ${reasonOf(error)}`);
  }
}

// ---- one matter each ---------------------------------------------------------------------------

/** Certificate and key; each is tried alone, so that the log can say which of them is wrong. */
function keyOptions(certFile: string, keyFile: string, pass: string): SecureContextOptions {
  const { createSecureContext } = nodeTls();
  const cert = attempt(`Failed to load certificate: ${certFile}`, () => {
    const bytes = readFileSync(certFile);
    createSecureContext({ cert: bytes });
    return bytes;
  });
  return attempt(`Failed to load private key: ${keyFile}`, () => {
    const options = { cert, key: readFileSync(keyFile), passphrase: pass };
    createSecureContext(options);
    return options;
  });
}

/** Whose signature counts. Without any file nobody's does. */
function authorityOptions({ caCertFile, caCertDir }: TlsSettings): SecureContextOptions {
  const ca: Buffer[] = [];
  if (caCertFile !== '') {
    const failure = 'Failed to configure CA certificate(s) file/directory';
    const bytes = attempt(failure, () => {
      const content = readFileSync(caCertFile);
      if (!content.includes('-----BEGIN ')) throw new Error(noCertificate);
      nodeTls().createSecureContext({ ca: content });
      return content;
    });
    ca.push(bytes);
  }
  // Names as `openssl rehash` gives them. What cannot be read is passed over, as OpenSSL does it.
  if (caCertDir !== '') {
    for (const name of namesIn(caCertDir)) {
      if (/^[0-9a-f]{8}\.\d+$/.test(name)) ca.push(...contentOf(join(caCertDir, name)));
    }
  }
  return { ca };
}

const noCertificate = 'error:05800088:x509 certificate routines::no certificate or crl found';

function cipherOptions({ ciphers, ciphersuites }: TlsSettings): SecureContextOptions {
  const { createSecureContext, DEFAULT_CIPHERS, getCiphers } = nodeTls();
  const defaults = DEFAULT_CIPHERS.split(':');
  const isSuite = (name: string) => /^tls_/i.test(name);
  const older = ciphers === '' ? defaults.filter((name) => !isSuite(name)).join(':') : ciphers;
  if (ciphers !== '') {
    try {
      createSecureContext({ ciphers, maxVersion: 'TLSv1.2' });
    } catch {
      throw new TlsError(`Failed to configure ciphers: ${ciphers}`);
    }
  }
  const known = new Set(getCiphers());
  const suites = ciphersuites === '' ? defaults.filter(isSuite) : ciphersuites.split(':');
  if (!suites.every((name) => isSuite(name) && known.has(name.toLowerCase()))) {
    throw new TlsError(`Failed to configure ciphersuites: ${ciphersuites}`);
  }
  return { ciphers: `${suites.join(':')}:${older}` };
}

/** Without a file OpenSSL chooses parameters that fit the key. */
function dhOptions({ dhParamsFile }: TlsSettings): SecureContextOptions {
  if (dhParamsFile === '') return { dhparam: 'auto' };
  let dhparam: Buffer;
  try {
    dhparam = readFileSync(dhParamsFile);
  } catch (error) {
    throw new TlsError(`Failed to load ${dhParamsFile}: ${systemText(error)}`);
  }
  // Node says nothing of a file that holds something else.
  if (!/-----BEGIN (X9\.42 )?DH PARAMETERS-----/.test(dhparam.toString('latin1'))) {
    throw new TlsError(`${dhParamsFile}: failed to read DH params.`);
  }
  return { dhparam };
}

const versions: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];
const without = {
  TLSv1: 'SSL_OP_NO_TLSv1',
  'TLSv1.1': 'SSL_OP_NO_TLSv1_1',
  'TLSv1.2': 'SSL_OP_NO_TLSv1_2',
  'TLSv1.3': 'SSL_OP_NO_TLSv1_3',
} as const satisfies Readonly<Record<SecureVersion, string>>;
const DEFAULT_PROTOCOLS = 'TLSv1.2 TLSv1.3';
/** OpenSSL's SSL_OP_NO_RENEGOTIATION: work that a client may ask for and never needs. */
const NO_RENEGOTIATION = 1 << 30;

function protocolOptions(settings: TlsSettings): SecureContextOptions {
  const { protocols, preferServerCiphers, sessionCaching } = settings;
  const words = (protocols || DEFAULT_PROTOCOLS).split(/\s+/).filter((word) => word !== '');
  const wanted = new Set(
    words.map((word) => versions.find((name) => name.toLowerCase() === word.toLowerCase())),
  );
  if (wanted.has(undefined) || wanted.size === 0) {
    throw new TlsError(
      "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and " +
        "'TLSv1.3'.",
    );
  }
  const inOrder = versions.filter((name) => wanted.has(name));
  const { constants } = crypto();
  let secureOptions = NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION;
  for (const name of versions) if (!wanted.has(name)) secureOptions |= constants[without[name]];
  if (preferServerCiphers) secureOptions |= constants.SSL_OP_CIPHER_SERVER_PREFERENCE;
  if (!sessionCaching) secureOptions |= constants.SSL_OP_NO_TICKET;
  return { minVersion: inOrder[0], maxVersion: inOrder.at(-1), secureOptions };
}

// ---- errors and files --------------------------------------------------------------------------

function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new TlsError(`${what}: ${reasonOf(error)}`);
  }
}

/**
 * A reason in one line, as redis-server logs OpenSSL's: that of a file that cannot be read, too.
 * Node puts a thread before it and function, file and line of OpenSSL's source into it.
 */
export function reasonOf(error: unknown): string {
  const number = error instanceof Error ? (error as NodeJS.ErrnoException).errno : undefined;
  if (number === undefined) {
    const text = error instanceof Error ? error.message : String(error);
    const [, code, library, , reason] = text.slice(text.indexOf('error:')).split(':');
    if (!text.includes('error:') || reason === undefined) return text;
    return `error:${code}:${library}::${reason.trimEnd()}`;
  }
  const code = (0x80000000 + Math.abs(number)).toString(16).toUpperCase();
  return `error:${code}:system library::${systemText(error)}`;
}

/** The system's words for a failed call. */
function systemText(error: unknown): string {
  const number = error instanceof Error ? (error as NodeJS.ErrnoException).errno : undefined;
  const text = getSystemErrorMap().get(number ?? 0)?.[1] ?? String(error);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

function contentOf(file: string): Buffer[] {
  try {
    return [readFileSync(file)];
  } catch {
    return [];
  }
}
