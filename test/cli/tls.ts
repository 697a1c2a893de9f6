import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { connectByTls, makeCertificate, replaceCertificate } from '../helpers/certificate.ts';
import { runNexthop, startNexthop } from '../helpers/process.ts';
import { untilResult } from '../helpers/until-result.ts';

for (const name of ['SERVER_CERT_PATH', 'SERVER_KEY_PATH']) {
  test.serial(`nexthop does not start with ${name} alone, and names both settings`, async (t) => {
    const running = await runNexthop(t, { env: { [name]: '/x.pem' } });

    t.is(await running.exited, 78);
    t.regex(running.output(), /SERVER_CERT_PATH and SERVER_KEY_PATH must both be set/);
  });
}

test.serial('nexthop does not start without the certificate file, and prints its name and the reason', async (t) => {
  const { env } = await makeCertificate(t);

  const running = await runNexthop(t, { env: { ...env, SERVER_CERT_PATH: '/nowhere.pem' } });

  t.is(await running.exited, 78);
  t.regex(running.output(), /^nexthop: SERVER_CERT_PATH: cannot read "\/nowhere\.pem" \(ENOENT/);
});

test.serial(
  'nexthop does not start with a file that is not a certificate, and prints the error of OpenSSL',
  async (t) => {
    const { env, certPath } = await makeCertificate(t);
    await writeFile(certPath, 'hello');

    const running = await runNexthop(t, { env });

    t.is(await running.exited, 78);
    t.regex(running.output(), /^nexthop: SERVER_CERT_PATH: no certificate in PEM in ".*cert\.pem" \(.*no start line\)/);
  },
);

test.serial('nexthop does not start with the key of another certificate', async (t) => {
  const [{ env }, other] = [await makeCertificate(t), await makeCertificate(t)];

  const running = await runNexthop(t, { env: { ...env, SERVER_KEY_PATH: other.keyPath } });

  t.is(await running.exited, 78);
  t.regex(running.output(), /^nexthop: SERVER_KEY_PATH: .* does not go with .*key values mismatch/);
  t.notRegex(running.output(), /BEGIN|PRIVATE/);
});

test.serial('nexthop prints its https URL, and nexthop health sends its request there', async (t) => {
  const { env } = await makeCertificate(t);
  const running = await startNexthop(t, { env });

  const health = await runNexthop(t, { args: ['health'], env: { ...env, PORT: String(running.port) } });

  t.regex(running.output(), /listens on https:/);
  t.is(await health.exited, 0, health.output());
});

test.serial('after SIGHUP new connections get the new certificate', async (t) => {
  const [certificate, other] = [await makeCertificate(t), await makeCertificate(t)];
  const running = await startNexthop(t, { env: certificate.env });
  await replaceCertificate(certificate, other);

  running.child.kill('SIGHUP');

  const log = join(running.logDir, 'error.log');
  await untilResult(
    () => readFile(log, 'utf8'),
    (text) => text.includes('the certificate was replaced'),
  );
  await connectByTls(t, running.port, other);
  t.pass();
});
