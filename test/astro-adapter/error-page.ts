import { createServer } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { errorPages } from '../../src/astro-adapter/error-page.ts';
import { listen } from '../helpers/listen.ts';
import { siteFolder } from '../helpers/site-folder.ts';

async function host(t: ExecutionContext): Promise<{ origin: string; requested: string[] }> {
  const requested: string[] = [];
  const server = createServer((request, response) => {
    requested.push(request.url ?? '');
    response.end('from the host');
  });
  return { origin: await listen(t, server), requested };
}

const NO_HEADERS = new Map();

test('an error page is read from the files, by either name, with its headers, and not fetched from the host of the client', async (t) => {
  const { origin, requested } = await host(t);
  const client = await siteFolder(t, { '404.html': 'not found', '500/index.html': 'failed' });
  const headers = new Map([['/404', [['content-security-policy', "script-src 'self'"]] as const]]);
  const fetchPage = errorPages({ client, headers, origin: '' });

  const [notFound, failed] = await Promise.all([fetchPage(`${origin}/404.html`), fetchPage(`${origin}/shop/500/`)]);

  t.is(await notFound.text(), 'not found');
  t.is(notFound.headers.get('content-security-policy'), "script-src 'self'");
  t.is(notFound.headers.get('content-type'), 'text/html; charset=utf-8');
  t.is(await failed.text(), 'failed');
  t.deepEqual(requested, []);
});

test('an error page without a file is fetched from the configured origin, by its path', async (t) => {
  const { origin, requested } = await host(t);
  const fetchPage = errorPages({ client: await siteFolder(t), headers: NO_HEADERS, origin });

  const page = await fetchPage('http://evil.example:99/shop/404.html?x=1');

  t.is(await page.text(), 'from the host');
  t.deepEqual(requested, ['/shop/404.html']);
});

test('an error page without a file and an origin is a 404', async (t) => {
  const fetchPage = errorPages({ client: await siteFolder(t), headers: NO_HEADERS, origin: '' });

  t.is((await fetchPage('http://evil.example/404')).status, 404);
});

test('a path that only resembles that of an error page is a 404', async (t) => {
  const client = await siteFolder(t, { '404.html': 'not found', 'secret.html': 'secret' });
  const fetchPage = errorPages({ client, headers: NO_HEADERS, origin: '' });

  for (const path of ['/4040.html', '/404.html.bak', '/secret.html', '/404/../secret.html']) {
    t.is((await fetchPage(`http://a${path}`)).status, 404, path);
  }
});

test.serial('an error page is fetched by the fetch of Node, also if code of the site has replaced it', async (t) => {
  const { origin } = await host(t);
  const fetchPage = errorPages({ client: await siteFolder(t), headers: NO_HEADERS, origin });
  const { fetch: before } = globalThis;
  t.teardown(() => {
    globalThis.fetch = before;
  });
  globalThis.fetch = () => Promise.reject(new Error('replaced'));

  t.is(await (await fetchPage('http://a/404.html')).text(), 'from the host');
});
