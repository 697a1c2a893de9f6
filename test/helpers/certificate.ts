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
  /** In PEM; clients trust it as its own authority. */
  readonly cert: string;
  /** As settings. */
  readonly env: { readonly SERVER_CERT_PATH: string; readonly SERVER_KEY_PATH: string };
}

/** Makes a certificate for "localhost" with a key of its own, in a folder that is removed when the test ends. Negative `days`: it is over already. */
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
  // Only this command of OpenSSL 3.0 makes one that is over.
  await run('openssl', [
    ...['x509', '-req', '-in', requestPath, '-signkey', keyPath, '-copy_extensions', 'copy'],
    ...['-days', String(days), '-out', certPath],
  ]);
  const env = { SERVER_CERT_PATH: certPath, SERVER_KEY_PATH: keyPath };
  return { certPath, keyPath, cert: await readFile(certPath, 'utf8'), env };
}

/** Puts the files of one certificate in the place of those of another. */
export async function replaceCertificate(old: TestCertificate, by: TestCertificate): Promise<void> {
  await copyFile(by.certPath, old.certPath);
  await copyFile(by.keyPath, old.keyPath);
}

/** A raw connection inside TLS to a port of this machine; rejects when none comes about. Closed when the test ends. */
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
