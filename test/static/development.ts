import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { FileFolder } from '../../src/contract/dialect.ts';
import { type FileServer, serveFiles } from '../helpers/file-server.ts';

test('in development a file that is added, changed or removed is noticed by the next request', async (t) => {
  const server = await serveInDevelopment(t, { 'public/docs/index.html': 'docs' });
  t.is((await server.ask('/a.txt')).status, 421);

  for (const text of ['one', 'two', 'three']) {
    await writeFile(join(server.root, 'public/a.txt'), text);
    t.is((await server.ask('/a.txt')).body, text);
  }
  await rm(join(server.root, 'public/a.txt'));
  t.is((await server.ask('/a.txt')).status, 421);
});

test('in development a page that is added takes the address that another had', async (t) => {
  const server = await serveInDevelopment(t, { 'public/docs/index.html': 'folder' });
  t.is((await server.ask('/docs')).status, 308);

  await writeFile(join(server.root, 'public/docs.html'), 'page');

  t.is((await server.ask('/docs')).body, 'page');
  t.is((await server.ask('/docs/')).body, 'folder');
});

test('in development folders come and go with what is in them, the top too', async (t) => {
  const server = await serveInDevelopment(t, { 'x.txt': '' }, [{ folder: 'out' }]);
  t.is((await server.ask('/deep/er/a.txt')).status, 421);

  await mkdir(join(server.root, 'out/deep/er'), { recursive: true });
  t.is((await server.ask('/deep/er/a.txt')).status, 421);
  await writeFile(join(server.root, 'out/deep/er/a.txt'), 'hello');
  t.is((await server.ask('/deep/er/a.txt')).body, 'hello');

  await rename(join(server.root, 'out'), join(server.root, 'old'));
  t.is((await server.ask('/deep/er/a.txt')).status, 421);
  await rename(join(server.root, 'old'), join(server.root, 'out'));
  t.is((await server.ask('/deep/er/a.txt')).body, 'hello');
});

test('in development a precompressed form is sent as soon as it is there', async (t) => {
  const server = await serveInDevelopment(t, { 'public/a.js': 'plain' });
  const asked = { 'Accept-Encoding': 'br' };
  t.is((await server.ask('/a.js', asked)).body, 'plain');

  await writeFile(join(server.root, 'public/a.js.br'), 'brotli');

  t.like(await server.ask('/a.js', asked), { body: 'brotli', fields: { 'content-encoding': 'br' } });
});

test('in development a file that is added late is as hidden as one that was there', async (t) => {
  const server = await serveInDevelopment(t, { 'public/a.txt': 'a', secret: 's' });
  await writeFile(join(server.root, 'public/.env'), 'secret');
  await symlink('../secret', join(server.root, 'public/out.txt'));

  for (const path of ['/.env', '/%2eenv', '/out.txt', '/../secret', '/..%2fsecret']) {
    t.is((await server.ask(path)).status, 421, path);
  }
  t.is((await server.ask('/a.txt')).body, 'a');
});

test('in development the exchange learns which file answered', async (t) => {
  const server = await serveInDevelopment(t, { 'public/docs/index.html': 'docs' });
  await server.ask('/docs/');

  t.like(server.exchanges[0], { route: '/docs', answeredBy: 'public/docs/index.html' });
});

test('in development many requests at once see what was there when they came', async (t) => {
  const server = await serveInDevelopment(t, { 'public/a.txt': 'a' });

  for (let round = 0; round < 10; round++) {
    const earlier = Array.from({ length: 5 }, () => server.ask('/a.txt'));
    await writeFile(join(server.root, `public/${round}.txt`), String(round));
    const later = await Promise.all(Array.from({ length: 5 }, () => server.ask(`/${round}.txt`)));

    t.deepEqual([...new Set(later.map(({ body }) => body))], [String(round)]);
    t.deepEqual([...new Set((await Promise.all(earlier)).map(({ body }) => body))], ['a']);
  }
});

function serveInDevelopment(
  t: ExecutionContext,
  files: Readonly<Record<string, string>>,
  folders?: readonly FileFolder[],
): Promise<FileServer> {
  return serveFiles(t, files, folders, { dev: true });
}
