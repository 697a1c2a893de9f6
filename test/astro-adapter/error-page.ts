import { once } from 'node:events';
import { createServer } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { errorPages } from '../../src/astro-adapter/error-page.ts';
import { siteFolder } from '../helpers/site-folder.ts';

async function host(t: ExecutionContext): Promise<{ origin: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('from the host');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close().closeAllConnections());
  return { origin: `http://127.0.0.1:${(server.address() as { port: number }).port}`, asked }; // it listens on a port
}

const NO_HEADERS = new Map();

test('a page is read from the files, by either name, with its fields, and the host that the client named is not asked', async (t) => {
  const { origin, asked } = await host(t);
  const client = await siteFolder(t, { '404.html': 'not found', '500/index.html': 'failed' });
  const headers = new Map([['/404', [['content-security-policy', "script-src 'self'"]] as const]]);
  const fetchPage = errorPages({ client, headers, origin: '' });

  const [notFound, failed] = await Promise.all([fetchPage(`${origin}/404.html`), fetchPage(`${origin}/shop/500/`)]);

  t.is(await notFound.text(), 'not found');
  t.is(notFound.headers.get('content-security-policy'), "script-src 'self'");
  t.is(notFound.headers.get('content-type'), 'text/html; charset=utf-8');
  t.is(await failed.text(), 'failed');
  t.deepEqual(asked, []);
});

test('a page that is no file comes from the host of the site, under its own path', async (t) => {
  const { origin, asked } = await host(t);
  const fetchPage = errorPages({ client: await siteFolder(t), headers: NO_HEADERS, origin });

  const page = await fetchPage('http://evil.example:99/shop/404.html?x=1');

  t.is(await page.text(), 'from the host');
  t.deepEqual(asked, ['/shop/404.html']);
});

test('a page that is nowhere is a 404', async (t) => {
  const fetchPage = errorPages({ client: await siteFolder(t), headers: NO_HEADERS, origin: '' });

  t.is((await fetchPage('http://evil.example/404')).status, 404);
});

test('a name that only looks like that of an error page is no file', async (t) => {
  const client = await siteFolder(t, { '404.html': 'not found', 'secret.html': 'secret' });
  const fetchPage = errorPages({ client, headers: NO_HEADERS, origin: '' });

  for (const path of ['/4040.html', '/404.html.bak', '/secret.html', '/404/../secret.html']) {
    t.is((await fetchPage(`http://a${path}`)).status, 404, path);
  }
});
