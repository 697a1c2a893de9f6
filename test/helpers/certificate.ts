import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { Peer } from './peer.ts';

export interface TestCertificate {
  readonly certPath: string;
  readonly keyPath: string;
  /** In PEM. Clients trust it as a certificate authority. */
  readonly cert: string;
  /** The settings with the paths of its files. */
  readonly env: { readonly SERVER_CERT_PATH: string; readonly SERVER_KEY_PATH: string };
}

/** Creates a certificate for "localhost" with a new key, in a folder that is removed when the test ends. Negative `days`: it has expired. */
export async function makeCertificate(t: ExecutionContext, days = 2): Promise<TestCertificate> {
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-tls-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const [certPath, keyPath] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const run = promisify(execFile);
  const requestPath = join(folder, 'request.pem');
  await run('openssl', [
    ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=DNS:localhost', '-keyout', keyPath, '-out', requestPath],
  ]);
  // Only this command of OpenSSL 3.0 creates an expired certificate.
  await run('openssl', [
    ...['x509', '-req', '-in', requestPath, '-signkey', keyPath, '-copy_extensions', 'copy'],
    ...['-days', String(days), '-out', certPath],
  ]);
  const env = { SERVER_CERT_PATH: certPath, SERVER_KEY_PATH: keyPath };
  return { certPath, keyPath, cert: await readFile(certPath, 'utf8'), env };
}

/** Replaces the files of one certificate by those of another one. */
export async function replaceCertificate(old: TestCertificate, by: TestCertificate): Promise<void> {
  await copyFile(by.certPath, old.certPath);
  await copyFile(by.keyPath, old.keyPath);
}

/** Opens a TLS connection to a port of this machine. Rejects if the handshake fails. Closed when the test ends. */
export async function connectByTls(
  t: ExecutionContext,
  port: number,
  { cert }: TestCertificate,
  options: ConnectionOptions = {},
): Promise<Peer & { readonly socket: TLSSocket }> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: cert, ...options });
  t.teardown(() => socket.destroy());
  await once(socket, 'secureConnect');
  return Object.assign(new Peer(socket), { socket });
}
