import test, { type ExecutionContext } from 'ava';
import { trustedPeers } from '../../src/config/setting.ts';
import { identify } from '../../src/http/client.ts';
import { receive, receiveEncrypted } from '../helpers/received-request.ts';

/** The headers (flat) that all other code sees once the client is identified. */
async function headersAfter(
  t: ExecutionContext,
  trusted: 'all' | 'none',
  lines: readonly string[],
): Promise<readonly string[]> {
  return receive(t, ['GET / HTTP/1.1', ...lines, '', ''].join('\r\n'), (request) => {
    identify(request, trustedPeers(trusted));
    return request.headers;
  });
}

test("an untrusted peer's trust headers are replaced at their first position, their duplicates removed", async (t) => {
  const headers = await headersAfter(t, 'none', [
    'Accept: text/html',
    'TRUE-client-ip: 203.0.113.7',
    'X-Forwarded-For: 203.0.113.7',
    'Host: a',
    'x-forwarded-for: 203.0.113.8',
    'X-Forwarded-Proto: https',
    'True-Client-IP: 203.0.113.9',
    'User-Agent: test',
  ]);

  const expected = ['Accept', 'text/html', 'TRUE-client-ip', '127.0.0.1', 'X-Forwarded-For', '127.0.0.1', 'Host', 'a'];
  t.deepEqual(headers, [...expected, 'X-Forwarded-Proto', 'http', 'User-Agent', 'test']);
});

test('a request over TLS gets X-Forwarded-Proto: https unless a trusted peer has sent the header', async (t) => {
  const headersOf = (trusted: 'all' | 'none', lines: readonly string[]) =>
    receiveEncrypted(t, ['GET / HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n'), (request) => {
      identify(request, trustedPeers(trusted));
      return request.headers;
    });

  t.deepEqual(await headersOf('none', []), ['Host', 'a', 'X-Forwarded-Proto', 'https']);
  t.deepEqual(await headersOf('all', []), ['Host', 'a', 'X-Forwarded-Proto', 'https']);
  t.deepEqual(await headersOf('all', ['x-forwarded-proto: http']), ['Host', 'a', 'x-forwarded-proto', 'http']);
});

const REMOVED = [
  'Forwarded',
  'X-Forwarded-Host',
  'x-forwarded-port',
  'X-Forwarded-Whatever',
  'section-io-id',
  'Section-IO-Geo-City',
  'section-origin',
  'EO-Client-IP',
  'eo-connecting-ip',
  'x-nf-client-connection-ip',
  'X-NF-Geo',
  'Client-IP',
  'X-Netlify-Event',
  'x-netlify-original-path',
  'X-Real-IP',
];

for (const name of REMOVED) {
  test(`${name} of an untrusted peer is removed`, async (t) => {
    const headers = await headersAfter(t, 'none', ['Host: a', `${name}: spoof`]);

    t.deepEqual(headers, ['Host', 'a']);
  });

  test(`${name} of a trusted peer stays unchanged`, async (t) => {
    const headers = await headersAfter(t, 'all', ['Host: a', `${name}: truth`]);

    t.deepEqual(headers, ['Host', 'a', name, 'truth']);
  });
}

const LOOK_ALIKES = [
  'True_Client_IP',
  'true_client-ip',
  'X_Forwarded_For',
  'x-forwarded_proto',
  'SECTION_IO_ID',
  'section_origin',
  'eo_connecting_ip',
  'X_NF_Geo',
  'client_ip',
  'X_Real_IP',
];

for (const name of LOOK_ALIKES) {
  for (const trusted of ['all', 'none'] as const) {
    test(`${name} is removed when ${trusted} are trusted`, async (t) => {
      const headers = await headersAfter(t, trusted, ['Host: a', `${name}: spoof`, 'Accept: b']);

      t.deepEqual(headers, ['Host', 'a', 'Accept', 'b']);
    });
  }
}

for (const trusted of ['all', 'none'] as const) {
  test(`headers with similar names stay when ${trusted} are trusted`, async (t) => {
    const names = [
      'x_custom',
      'X-Forwarded',
      'section-debug',
      'Eo',
      'true-client',
      'forwarded_by',
      'X-Request-Id',
      'Client-Id',
      'x-netlify',
    ];

    const headers = await headersAfter(t, trusted, ['Host: a', ...names.map((name) => `${name}: 1`)]);

    t.deepEqual(headers, ['Host', 'a', ...names.flatMap((name) => [name, '1'])]);
  });
}

test('two True-Client-IP headers from a trusted peer are both removed', async (t) => {
  const lines = ['True-Client-IP: 203.0.113.7', 'Host: a', 'true-client-ip: 203.0.113.8', 'X-Forwarded-For: 1.2.3.4'];

  const headers = await headersAfter(t, 'all', lines);

  t.deepEqual(headers, ['Host', 'a', 'X-Forwarded-For', '1.2.3.4']);
});

test('trust headers of a trusted peer keep position, case and number', async (t) => {
  const lines = [
    'host: a',
    'TRUE-Client-IP: me',
    'X-Forwarded-For: x',
    'X-FORWARDED-FOR: y',
    'x-forwarded-proto: HTTPS',
  ];

  const headers = await headersAfter(t, 'all', lines);

  t.deepEqual(
    headers,
    lines.flatMap((line) => line.split(': ')),
  );
});
