import test, { type ExecutionContext } from 'ava';
import type { LambdaEvent } from '../../../../src/dialects/netlify/call/lambda-event.ts';
import { type LambdaSetup, serveLambda } from '../../../helpers/lambda-server.ts';

/** The event of a raw request; its connection is closed afterwards. */
async function eventOf(t: ExecutionContext, request: string, setup?: LambdaSetup): Promise<LambdaEvent> {
  const events: LambdaEvent[] = [];
  const handler = async (event: LambdaEvent) => {
    events.push(event);
    return { statusCode: 200 };
  };
  const server = await serveLambda(t, handler, setup);
  await server.exchange(request.replace('\r\n', '\r\nHost: shop.example:8080\r\nConnection: close\r\n'));
  return events[0] as LambdaEvent; // one request, one event
}

function post(type: string | undefined, body: string): string {
  const length = Buffer.byteLength(body, 'latin1');
  return `POST /up HTTP/1.1\r\n${type === undefined ? '' : `Content-Type: ${type}\r\n`}Content-Length: ${length}\r\n\r\n${body}`;
}

test('rawUrl, rawQuery and path are those of the request, byte for byte', async (t) => {
  const event = await eventOf(t, 'GET /.netlify/functions/hello/a%20b//../c?x=%2F+1&y HTTP/1.1\r\n\r\n');

  t.is(event.rawUrl, 'http://shop.example:8080/.netlify/functions/hello/a%20b//../c?x=%2F+1&y');
  t.is(event.rawQuery, 'x=%2F+1&y');
  t.is(event.path, '/.netlify/functions/hello/a%20b//../c');
  t.is(event.httpMethod, 'GET');
});

test('headers have lower-case names, and repeated ones are joined in one map and separate in the other', async (t) => {
  const event = await eventOf(t, 'GET / HTTP/1.1\r\nX-Tag: a\r\nx-tag: b, c\r\nCookie: k=1\r\nCookie: l=2\r\n\r\n');

  t.is(event.headers['x-tag'], 'a, b, c');
  t.deepEqual(event.multiValueHeaders['x-tag'], ['a', 'b, c']);
  t.is(event.headers.cookie, 'k=1; l=2');
  t.is(event.headers.host, 'shop.example:8080');
  t.deepEqual(Object.keys(event.headers), Object.keys(event.multiValueHeaders));
});

test('client headers of the platform replace those that the client sent', async (t) => {
  const request = 'GET / HTTP/1.1\r\nClient-IP: 6.6.6.6\r\nX-Nf-Client-Connection-Ip: 198.51.100.7\r\n\r\n';
  const { headers } = await eventOf(t, request, { env: { SITE_ID: 'site-1' } });

  // Every peer of this server is trusted.
  t.is(headers['client-ip'], '198.51.100.7');
  t.is(headers['x-nf-client-connection-ip'], '198.51.100.7');
  t.is(headers['x-forwarded-for'], '198.51.100.7');
  t.is(headers['x-nf-site-id'], 'site-1');
  t.is(headers['x-nf-account-id'], '');
  t.regex(headers['x-nf-request-id'] ?? '', /^[0-9A-Z]{26}$/);
});

test('x-nf-geo has the form of the platform: from a trusted peer, from a mock, or empty', async (t) => {
  const read = ({ headers }: LambdaEvent) => JSON.parse(Buffer.from(headers['x-nf-geo'] ?? '', 'base64').toString());
  const bare = 'GET / HTTP/1.1\r\n\r\n';
  const section = 'GET / HTTP/1.1\r\nsection-io-geo-city: Bath\r\nsection-io-geo-postal-code: BA1\r\n\r\n';

  t.deepEqual(read(await eventOf(t, bare)), {});
  t.deepEqual(read(await eventOf(t, section)), { city: 'Bath', postal_code: 'BA1' });
  t.is(read(await eventOf(t, bare, { mockCountry: 'US' })).city, 'San Francisco');
});

test('query parameters are decoded and flat, joined in one map and separate in the other', async (t) => {
  const event = await eventOf(t, 'GET /?a=1&b%5Bc%5D=x+y&a=%C3%A9&flag&__proto__=p&bad=%zz HTTP/1.1\r\n\r\n');

  t.deepEqual(Object.entries(event.queryStringParameters), [
    ['a', '1, é'],
    ['b[c]', 'x y'],
    ['flag', ''],
    ['__proto__', 'p'],
    ['bad', '%zz'],
  ]);
  t.deepEqual(event.multiValueQueryStringParameters.a, ['1', 'é']);
  t.is(Object.getPrototypeOf(event.queryStringParameters), Object.prototype);
});

test('without query and body the maps are empty and the body is null', async (t) => {
  const event = await eventOf(t, 'GET / HTTP/1.1\r\n\r\n');

  t.is(event.rawQuery, '');
  t.deepEqual(event.queryStringParameters, {});
  t.deepEqual(event.multiValueQueryStringParameters, {});
  t.is(event.body, null);
  t.false(event.isBase64Encoded);
  t.false('route' in event);
});

test('the route is the pattern that matched', async (t) => {
  t.is((await eventOf(t, 'GET /x/1 HTTP/1.1\r\n\r\n', { route: '/x/:id' })).route, '/x/:id');
});

const TEXTS = [
  ...['text/plain', 'TEXT/HTML; charset=utf-8', 'application/ld+json', 'image/svg+xml', 'application/csp-report'],
  ...['application/graphql', 'application/json;x=1', 'application/javascript', 'application/x-www-form-urlencoded'],
  ...['application/x-ndjson', 'application/xml'],
];
for (const type of TEXTS) {
  test(`a body of ${type} is text`, async (t) => {
    const event = await eventOf(t, post(type, 'caf\xc3\xa9'));

    t.is(event.body, 'café');
    t.false(event.isBase64Encoded);
  });
}

const BINARIES = ['multipart/form-data; boundary=x', 'application/octet-stream', 'image/png', 'application/jsonx', ''];
for (const type of [...BINARIES, undefined]) {
  test(`a body of ${type === undefined ? 'no type' : `"${type}"`} is base64`, async (t) => {
    const event = await eventOf(t, post(type, 'a\xff\x00'));

    t.is(event.body, Buffer.from('a\xff\x00', 'latin1').toString('base64'));
    t.true(event.isBase64Encoded);
  });
}

test('a text that is not UTF-8 is base64, and no byte is lost', async (t) => {
  const event = await eventOf(t, post('application/json', '\x1f\x8b\x08\xff'));

  t.true(event.isBase64Encoded);
  t.is(Buffer.from(event.body ?? '', 'base64').toString('latin1'), '\x1f\x8b\x08\xff');
});

test('a body above the limit gets 413, and the handler is not called', async (t) => {
  let calls = 0;
  const server = await serveLambda(t, async () => ({ statusCode: 200 + 0 * ++calls }), { limits: { bodyBytes: 10 } });

  const answer = await server.exchange(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n',
  );

  t.regex(answer, /^HTTP\/1\.1 413 /);
  t.is(calls, 0);
});
