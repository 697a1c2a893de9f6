import type { ExecutionContext } from 'ava';
import test from 'ava';
import { Exchange } from '../../../../src/contract/exchange.ts';
import type { Project } from '../../../../src/contract/project.ts';
import { edgeone } from '../../../../src/dialects/edgeone/edgeone.ts';
import { serverOf, uuidOf } from '../../../../src/dialects/edgeone/functions/platform.ts';
import type { DialectServer } from '../../../helpers/dialect-server.ts';
import { serveDialect } from '../../../helpers/dialect-server.ts';
import { serveExchanges } from '../../../helpers/exchange-server.ts';
import { writeText } from '../../../helpers/write-text.ts';

/** Serves a handler with this body at /a and at /p/:id. */
function handler(t: ExecutionContext, body: string, parts: Partial<Project> = {}): Promise<DialectServer> {
  const text = `export async function onRequest(context) { ${body} }`;
  return serveDialect(t, edgeone, { 'cloud-functions/a.js': text, 'cloud-functions/p/[id].js': text }, parts);
}

test('the context has exactly the keys of the platform, in the same order, also when it is spread', async (t) => {
  const { url } = await handler(t, 'return [Object.keys(context), Object.keys({ ...context })];');

  const keys = ['request', 'env', 'params', 'uuid', 'server', 'clientIp', 'geo'];
  t.deepEqual(await (await fetch(`${url}/a`)).json(), [keys, keys]);
});

test('the context can be destructured, and its request is the same each time', async (t) => {
  const body = `const { request, params, waitUntil } = context; const copy = { ...context };
    waitUntil(Promise.resolve());
    return [request === context.request, copy.request === request, request instanceof Request, request.url, params];`;
  const { url } = await handler(t, body);

  t.deepEqual(await (await fetch(`${url}/p/7?x=1`)).json(), [true, true, true, `${url}/p/7?x=1`, { id: '7' }]);
});

test('a function may replace request and env of the context', async (t) => {
  const body = `const { env } = context; context.request = new Request('http://other/'); context.env = { OWN: '1' };
    return [context.request.url, context.env, env, Object.keys(context)];`;
  const { url } = await handler(t, body, { env: { KEY: 'value' } });

  const keys = ['request', 'env', 'params', 'uuid', 'server', 'clientIp', 'geo'];
  t.deepEqual(await (await fetch(`${url}/a`)).json(), ['http://other/', { OWN: '1' }, { KEY: 'value' }, keys]);
});

test('each request has its own env and params', async (t) => {
  const body = `context.env.COUNT = (context.env.COUNT ?? '') + 'x'; context.params.extra = 1;
    return [context.env, context.params];`;
  const { url } = await handler(t, body, { env: { KEY: 'value', UNSET: undefined } });
  await fetch(`${url}/a`);

  const second = await (await fetch(`${url}/a`)).json();

  t.deepEqual(second, [{ KEY: 'value', COUNT: 'x' }, { extra: 1 }]);
});

test('without EdgeOne in front, ids and address are those of nexthop', async (t) => {
  const body = 'const { uuid, clientIp, server, geo } = context; return { uuid, clientIp, server, geo };';
  const { url } = await handler(t, body, { region: 'eu-west' });

  t.deepEqual(await (await fetch(`${url}/a`)).json(), {
    uuid: 'id-of-this',
    clientIp: '127.0.0.1',
    server: { region: 'eu-west', requestId: 'id-of-this' },
    geo: {},
  });
});

test('the context has the values of the platform headers that a trusted peer sent', async (t) => {
  const geo =
    'asn=30619 nation_name="Mozambique" nation_numeric=508 region_name="Maputo" region_code=MZ-MPM city_name="Some City" latitude=-25.968100 longitude=32.580650 network_operator=tmcel.mz odd=1';
  const { url } = await handler(t, 'const { uuid, server, geo } = context; return { uuid, server, geo };');

  const response = await fetch(`${url}/a`, {
    headers: {
      'EO-LOG-UUID': 'uuid-of-edgeone',
      'X-SCF-Region': 'ap-x',
      'X-SCF-Request-Id': 'scf-1',
      'EO-Connecting-Geo': encodeURIComponent(geo),
    },
  });

  t.deepEqual(await response.json(), {
    uuid: 'uuid-of-edgeone',
    server: { region: 'ap-x', requestId: 'scf-1' },
    geo: {
      asn: '30619',
      countryName: 'Mozambique',
      countryCodeNumeric: '508',
      regionName: 'Maputo',
      regionCode: 'MZ-MPM',
      countryCodeAlpha2: 'MZ',
      cityName: 'Some City',
      latitude: '-25.968100',
      longitude: '32.580650',
      cisp: 'tmcel.mz',
    },
  });
});

test('region and request id of an untrusted peer are not used', async (t) => {
  const seen: unknown[] = [];
  const { exchange } = await serveExchanges(t, (trusted) => {
    const client = { ...trusted.client, trusted: false };
    const { request, response, requestId, pendingWork, startedAtMs } = trusted;
    const other = new Exchange({ request, response, client, requestId, pendingWork, startedAtMs, onClosed() {} });
    seen.push(serverOf(other, { region: '' }));
    writeText(trusted, 200, '');
  });

  await exchange('GET / HTTP/1.1\r\nHost: a\r\nX-SCF-Region: x\r\nX-SCF-Request-Id: y\r\nConnection: close\r\n\r\n');

  t.deepEqual(seen, [{ region: '', requestId: 'id-of-this' }]);
});

test('an id of 32 hexadecimal digits is formatted as a UUID', async (t) => {
  const seen: unknown[] = [];
  const { exchange } = await serveExchanges(t, (own) => {
    const requestId = { ...own.requestId, value: '0123456789abcdef0123456789abcdef' };
    const { request, response, client, pendingWork, startedAtMs } = own;
    const other = new Exchange({ request, response, client, requestId, pendingWork, startedAtMs, onClosed() {} });
    seen.push(uuidOf(other));
    writeText(own, 200, '');
  });

  await exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.deepEqual(seen, ['01234567-89ab-cdef-0123-456789abcdef']);
});

test('work given to waitUntil is pending until it settles', async (t) => {
  const server = await handler(
    t,
    'context.waitUntil(new Promise((resolve) => { globalThis.endWork = resolve })); return 1;',
  );

  await fetch(`${server.url}/a`);

  const pendingWork = server.exchanges[0]?.pendingWork;
  t.is(pendingWork?.size, 1);
  (globalThis as unknown as { endWork(): void }).endWork(); // set by the function above
  await pendingWork?.settled();
  t.is(pendingWork?.size, 0);
});

test('cookies are parsed, and the first of a repeated name is used', async (t) => {
  const { url } = await handler(t, 'return context.request.cookies;');

  const response = await fetch(`${url}/a`, {
    headers: { cookie: 'a=1; b="two"; c=%E4%BD%A0; d=%zz; a=2; empty=; none; __proto__=x' },
  });

  t.is(await response.text(), '{"a":"1","b":"two","c":"你","d":"%zz","empty":"","__proto__":"x"}');
});

test('the query is parsed with flags, words, repeated names and escapes', async (t) => {
  const { url } = await handler(t, 'return context.request.query;');

  const response = await fetch(`${url}/a?flag&t=true&f=false&n=null&x=1&x=2&x=3&s=a+b%20c&bad=%zz&e=&&q=a=b`);

  t.deepEqual(await response.json(), {
    flag: true,
    t: true,
    f: false,
    n: null,
    x: ['1', '2', '3'],
    s: 'a b c',
    bad: '%zz',
    e: '',
    q: 'a=b',
  });
});

test('the standard methods read the body of a request', async (t) => {
  const { url } = await handler(t, 'return { json: await context.request.json(), used: context.request.bodyUsed };');

  const response = await fetch(`${url}/a`, { method: 'POST', body: '{"a": [1]}' });

  t.deepEqual(await response.json(), { json: { a: [1] }, used: true });
});
