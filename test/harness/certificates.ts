/**
 * Certificates made by openssl when a test begins, so that none lies in the repository and none runs
 * out: an authority, and what it signs.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Files of a certificate and its key. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export class Certificates {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'respite-tls-'));
  /** The authority's certificate. */
  readonly ca: string;
  private readonly caKey: string;

  constructor() {
    const pair = this.selfSigned('ca', '/O=respite tests/CN=authority');
    this.ca = pair.cert;
    this.caKey = pair.key;
  }

  /** A path in the directory. */
  file(name: string): string {
    return path.join(this.directory, name);
  }

  /** A certificate that nobody but itself vouches for. */
  selfSigned(name: string, subject: string): KeyPair {
    const pair = { cert: this.file(`${name}.crt`), key: this.file(`${name}.key`) };
    this.openssl(
      'req',
      '-x509',
      '-days',
      '2',
      ...this.newKey(pair.key),
      '-out',
      pair.cert,
      subject,
    );
    return pair;
  }

  /** A certificate that the authority vouches for. */
  signed(name: string, subject: string): KeyPair {
    const pair = { cert: this.file(`${name}.crt`), key: this.file(`${name}.key`) };
    const request = this.file(`${name}.csr`);
    this.openssl('req', ...this.newKey(pair.key), '-out', request, subject);
    execFileSync(
      'openssl',
      ['x509', '-req', '-in', request, '-CA', this.ca, '-CAkey', this.caKey].concat([
        '-CAcreateserial',
        '-days',
        '2',
        '-out',
        pair.cert,
      ]),
      { stdio: 'pipe' },
    );
    return pair;
  }

  /** The key of a pair behind a password. */
  locked(pair: KeyPair, password: string): KeyPair {
    const key = `${pair.key}.locked`;
    const words = ['pkcs8', '-topk8', '-in', pair.key, '-out', key, '-passout', `pass:${password}`];
    execFileSync('openssl', words, { stdio: 'pipe' });
    return { cert: pair.cert, key };
  }

  /** A file that is no certificate. */
  garbage(): string {
    const file = this.file('garbage');
    writeFileSync(file, 'no certificate\n');
    return file;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  private newKey(file: string): string[] {
    return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file];
  }

  private openssl(...words: string[]): void {
    const subject = words.pop()!;
    execFileSync('openssl', [...words, '-utf8', '-subj', subject], { stdio: 'pipe' });
  }
}
