import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { FileFolder } from '../../src/contract/dialect.ts';
import { type FileServer, serveFiles } from '../helpers/file-server.ts';

test('in development the next request notices an added, changed or removed file', async (t) => {
  const server = await serveInDevelopment(t, { 'public/docs/index.html': 'docs' });
  t.is((await server.fetch('/a.txt')).status, 421);

  for (const text of ['one', 'two', 'three']) {
    await writeFile(join(server.root, 'public/a.txt'), text);
    t.is((await server.fetch('/a.txt')).body, text);
  }
  await rm(join(server.root, 'public/a.txt'));
  t.is((await server.fetch('/a.txt')).status, 421);
});

test('in development an added page gets the path that another page had', async (t) => {
  const server = await serveInDevelopment(t, { 'public/docs/index.html': 'folder' });
  t.is((await server.fetch('/docs')).status, 308);

  await writeFile(join(server.root, 'public/docs.html'), 'page');

  t.is((await server.fetch('/docs')).body, 'page');
  t.is((await server.fetch('/docs/')).body, 'folder');
});

test('in development folders and their files can be added and removed, also the top folder', async (t) => {
  const server = await serveInDevelopment(t, { 'x.txt': '' }, [{ folder: 'out' }]);
  t.is((await server.fetch('/deep/er/a.txt')).status, 421);

  await mkdir(join(server.root, 'out/deep/er'), { recursive: true });
  t.is((await server.fetch('/deep/er/a.txt')).status, 421);
  await writeFile(join(server.root, 'out/deep/er/a.txt'), 'hello');
  t.is((await server.fetch('/deep/er/a.txt')).body, 'hello');

  await rename(join(server.root, 'out'), join(server.root, 'old'));
  t.is((await server.fetch('/deep/er/a.txt')).status, 421);
  await rename(join(server.root, 'old'), join(server.root, 'out'));
  t.is((await server.fetch('/deep/er/a.txt')).body, 'hello');
});

test('in development an added precompressed form is sent immediately', async (t) => {
  const server = await serveInDevelopment(t, { 'public/a.js': 'plain' });
  const accept = { 'Accept-Encoding': 'br' };
  t.is((await server.fetch('/a.js', accept)).body, 'plain');

  await writeFile(join(server.root, 'public/a.js.br'), 'brotli');

  t.like(await server.fetch('/a.js', accept), { body: 'brotli', headers: { 'content-encoding': 'br' } });
});

test('in development an added file is hidden by the same rules', async (t) => {
  const server = await serveInDevelopment(t, { 'public/a.txt': 'a', secret: 's' });
  await writeFile(join(server.root, 'public/.env'), 'secret');
  await symlink('../secret', join(server.root, 'public/out.txt'));

  for (const path of ['/.env', '/%2eenv', '/out.txt', '/../secret', '/..%2fsecret']) {
    t.is((await server.fetch(path)).status, 421, path);
  }
  t.is((await server.fetch('/a.txt')).body, 'a');
});

test('in development the exchange has the file that answered', async (t) => {
  const server = await serveInDevelopment(t, { 'public/docs/index.html': 'docs' });
  await server.fetch('/docs/');

  t.like(server.exchanges[0], { route: '/docs', answeredBy: 'public/docs/index.html' });
});

test('in development concurrent requests see the files at the time of their arrival', async (t) => {
  const server = await serveInDevelopment(t, { 'public/a.txt': 'a' });

  for (let round = 0; round < 10; round++) {
    const earlier = Array.from({ length: 5 }, () => server.fetch('/a.txt'));
    await writeFile(join(server.root, `public/${round}.txt`), String(round));
    const later = await Promise.all(Array.from({ length: 5 }, () => server.fetch(`/${round}.txt`)));

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
