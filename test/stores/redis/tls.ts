import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { freePort } from '../../helpers/free-port.ts';
import { claimSoon, newJob } from '../../helpers/prepare-store.ts';
import { type RedisServer, startRedis } from '../../helpers/redis-server.ts';
import { OUTAGE_CALL_MS, openStore } from '../../helpers/redis-store.ts';
import { storeFault } from '../../helpers/store-fault.ts';
import { until } from '../../helpers/until.ts';

/** Starts a Redis that also listens with TLS, with a certificate for the name "localhost". */
async function startWithTls(
  t: ExecutionContext,
): Promise<RedisServer & { readonly tlsPort: number; readonly certificate: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'nexthop-tls-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert],
  ]);
  const server = await startRedis(t);
  for (const [name, value] of Object.entries({
    'tls-cert-file': cert,
    'tls-key-file': key,
    'tls-ca-cert-file': cert,
    'tls-auth-clients': 'no',
  })) {
    await server.call('CONFIG', 'SET', name, value);
  }
  const tlsPort = await freePort();
  await server.call('CONFIG', 'SET', 'tls-port', tlsPort);
  return { ...server, tlsPort, certificate: await readFile(cert, 'utf8') };
}

test('rediss: connects with TLS, only if the certificate is trusted and names the host', async (t) => {
  const server = await startWithTls(t);
  const refused = openStore(t, `rediss://localhost:${server.tlsPort}`, { callTimeoutMs: OUTAGE_CALL_MS });
  t.regex(
    (await storeFault(t, refused.store.queue.push(newJob()))).message,
    /cannot be reached: self-signed certificate/,
  );

  setDefaultCACertificates([...getCACertificates('default'), server.certificate]);
  const { store } = openStore(t, `rediss://localhost:${server.tlsPort}`, { callTimeoutMs: OUTAGE_CALL_MS });
  let notified = 0;
  store.queue.onPush(() => notified++);
  await store.queue.push(newJob());
  t.truthy(await claimSoon(store.queue));
  await until(() => notified > 0, 'a notification');

  const other = openStore(t, `rediss://127.0.0.1:${server.tlsPort}`, { callTimeoutMs: OUTAGE_CALL_MS });
  t.regex(
    (await storeFault(t, other.store.queue.push(newJob()))).message,
    /cannot be reached: Hostname\/IP does not match/,
  );
});
