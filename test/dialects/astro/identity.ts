import test from 'ava';
import { astro } from '../../../src/dialects/astro/astro.ts';
import { BUILDS, nameOf, OWN_BUILDS } from '../../helpers/astro-builds.ts';
import { type AstroEdge, startAstroEdge } from '../../helpers/astro-edge.ts';
import { serveExchanges } from '../../helpers/exchange-server.ts';
import { fakeBuild } from '../../helpers/fake-build.ts';
import { project } from '../../helpers/project.ts';

const FROM_PROXY = { 'x-forwarded-proto': 'https', 'true-client-ip': '198.51.100.7' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

for (const build of [...BUILDS, ...OWN_BUILDS]) {
  test(`${nameOf(build)} gets the scheme and the client address that a trusted proxy sets`, async (t) => {
    const edge = await startAstroEdge(t, build);

    const { url, address } = await echo(edge, FROM_PROXY);

    t.is(url, `https://127.0.0.1:${edge.port}/api/echo?a=b`);
    t.is(address, '198.51.100.7');
  });

  test(`${nameOf(build)} ignores X-Forwarded-Host, -Port and -For that a proxy passes on`, async (t) => {
    const edge = await startAstroEdge(t, build);
    const claims = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-port': '1',
      'x-forwarded-for': '6.6.6.6, 10.0.0.1',
    };

    const proxied = await echo(edge, { ...FROM_PROXY, ...claims });
    t.is(proxied.url, `https://127.0.0.1:${edge.port}/api/echo?a=b`);
    t.is(proxied.address, '198.51.100.7');
  });

  test(`${nameOf(build)} ignores trust headers of a client that is not a trusted proxy`, async (t) => {
    const edge = await startAstroEdge(t, { ...build, env: { TRUSTED_PROXIES: 'none' } });

    const { url, address } = await echo(edge, { ...FROM_PROXY, 'x-forwarded-for': '6.6.6.6' });

    t.is(url, `${edge.url}/api/echo?a=b`);
    t.is(address, '127.0.0.1');
  });

  test(`${nameOf(build)} accepts a form of its own site behind TLS, and refuses one of another site`, async (t) => {
    const edge = await startAstroEdge(t, build);

    t.is(await post(edge, `https://127.0.0.1:${edge.port}`), 200);
    t.is(await post(edge, 'https://evil.example'), 403);
    t.is(await post(edge, edge.url), 403, 'the scheme is part of it');
  });
}

test('of the headers of proxies a build gets only the scheme and the client address', async (t) => {
  const handler = `response.writeHead(200, {}); response.end(JSON.stringify(request.headers));`;
  const edge = await startAstroEdge(t, { major: 7, root: await fakeBuild(t, { handler }) });
  const claims = { 'x-forwarded-host': 'evil.example', 'x-forwarded-port': '1', 'x-forwarded-for': '6.6.6.6' };

  const response = await fetch(edge.url, { headers: { ...FROM_PROXY, ...claims } });
  const shown = (await response.json()) as Record<string, string>;

  t.deepEqual(
    Object.entries(shown).filter(([name]) => name.startsWith('x-forwarded-')),
    [
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-for', '198.51.100.7'],
    ],
  );
});

test('an invalid Host gets 400 and does not reach a build', async (t) => {
  const root = await fakeBuild(t, { handler: `response.writeHead(200, {}); response.end('answered');` });
  const [route] = (await astro.read({ ...(await project(t, {})), root })).routes;
  const server = await serveExchanges(t, async (exchange) => {
    await route?.target.answer(exchange, {});
  });

  const answer = await server.exchange('GET /a HTTP/1.1\r\nHost: evil.example/b?\r\nConnection: close\r\n\r\n');

  t.regex(answer, /^HTTP\/1\.1 400 /);
});

test('a forwarded request keeps the headers that are hidden from a build', async (t) => {
  const edge = await startAstroEdge(t, { major: 7, env: { ASTRO_ENTRY: './dist/server/entry.mjs' } });

  await fetch(`${edge.url}/nothing`, {
    headers: { 'x-forwarded-host': 'shop.example', 'x-forwarded-for': '192.0.2.1' },
  });

  t.is(edge.forwarded[0]?.headers['x-forwarded-host'], 'shop.example');
  t.is(edge.forwarded[0]?.headers['x-forwarded-for'], '192.0.2.1');
});

interface Echo {
  readonly url: string;
  readonly address: string;
}

async function echo({ url }: AstroEdge, headers: Readonly<Record<string, string>>): Promise<Echo> {
  const response = await fetch(`${url}/api/echo?a=b`, { headers });
  return (await response.json()) as Echo;
}

async function post({ url }: AstroEdge, origin: string): Promise<number> {
  const headers = { ...FROM_PROXY, ...FORM, origin };
  const response = await fetch(`${url}/api/echo`, { method: 'POST', headers, body: 'a=b' });
  await response.text();
  return response.status;
}
