import test, { type ExecutionContext } from 'ava';
import { trustedPeers } from '../../src/config/setting.ts';
import { identify } from '../../src/http/client.ts';
import { receive } from '../helpers/received-request.ts';

interface HeaderViews {
  readonly raw: readonly string[];
  readonly joined: Readonly<Record<string, unknown>>;
  readonly distinct: Readonly<Record<string, unknown>>;
}

/** The three views of a request's headers after the client is identified. */
async function headersAfter(
  t: ExecutionContext,
  trusted: 'all' | 'none',
  lines: readonly string[],
): Promise<HeaderViews> {
  return receive(t, ['GET / HTTP/1.1', ...lines, '', ''].join('\r\n'), (request) => {
    identify(request, trustedPeers(trusted));
    const { rawHeaders: raw, headers: joined, headersDistinct: distinct } = request;
    return { raw: [...raw], joined: { ...joined }, distinct: { ...distinct } };
  });
}

test("an untrusted peer's trust headers are replaced at their first position, their duplicates removed", async (t) => {
  const { raw } = await headersAfter(t, 'none', [
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
  t.deepEqual(raw, [...expected, 'X-Forwarded-Proto', 'http', 'User-Agent', 'test']);
});

test('headers and headersDistinct agree with the rewritten rawHeaders', async (t) => {
  const { joined, distinct } = await headersAfter(t, 'none', [
    'Host: a',
    'X-Forwarded-For: 203.0.113.7',
    'X-Forwarded-For: 203.0.113.8',
    'Forwarded: for=203.0.113.7',
    'Accept: text/html',
  ]);

  t.deepEqual(joined, { host: 'a', 'x-forwarded-for': '127.0.0.1', accept: 'text/html' });
  t.deepEqual(distinct, { host: ['a'], 'x-forwarded-for': ['127.0.0.1'], accept: ['text/html'] });
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
    const { raw, joined, distinct } = await headersAfter(t, 'none', ['Host: a', `${name}: spoof`]);

    t.deepEqual(raw, ['Host', 'a']);
    t.deepEqual(joined, { host: 'a' });
    t.deepEqual(distinct, { host: ['a'] });
  });

  test(`${name} of a trusted peer stays unchanged`, async (t) => {
    const { raw } = await headersAfter(t, 'all', ['Host: a', `${name}: truth`]);

    t.deepEqual(raw, ['Host', 'a', name, 'truth']);
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
      const { raw, joined } = await headersAfter(t, trusted, ['Host: a', `${name}: spoof`, 'Accept: b']);

      t.deepEqual(raw, ['Host', 'a', 'Accept', 'b']);
      t.deepEqual(joined, { host: 'a', accept: 'b' });
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

    const { raw } = await headersAfter(t, trusted, ['Host: a', ...names.map((name) => `${name}: 1`)]);

    t.deepEqual(raw, ['Host', 'a', ...names.flatMap((name) => [name, '1'])]);
  });
}

test('two True-Client-IP headers from a trusted peer are both removed', async (t) => {
  const lines = ['True-Client-IP: 203.0.113.7', 'Host: a', 'true-client-ip: 203.0.113.8', 'X-Forwarded-For: 1.2.3.4'];

  const { raw, joined, distinct } = await headersAfter(t, 'all', lines);

  t.deepEqual(raw, ['Host', 'a', 'X-Forwarded-For', '1.2.3.4']);
  t.deepEqual(joined, { host: 'a', 'x-forwarded-for': '1.2.3.4' });
  t.deepEqual(distinct, { host: ['a'], 'x-forwarded-for': ['1.2.3.4'] });
});

test('trust headers of a trusted peer keep position, case and number', async (t) => {
  const lines = [
    'host: a',
    'TRUE-Client-IP: me',
    'X-Forwarded-For: x',
    'X-FORWARDED-FOR: y',
    'x-forwarded-proto: HTTPS',
  ];

  const { raw } = await headersAfter(t, 'all', lines);

  t.deepEqual(
    raw,
    lines.flatMap((line) => line.split(': ')),
  );
});
