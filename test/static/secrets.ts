import { execFile } from 'node:child_process';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { readFiles } from '../../src/static/read-files.ts';
import { serveFiles } from '../helpers/file-server.ts';
import { project } from '../helpers/project.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const SITE = {
  'public/index.html': 'home',
  'public/sub/a.txt': 'a',
  'public/.env': 'secret',
  'public/.git/config': 'secret',
  'public/sub/.htaccess': 'secret',
  'public/_headers': '/*\n  Basic-Auth: user:secret',
  'public/_redirects': '/a /secret',
  'public/_header': '/*\n  Basic-Auth: user:secret',
  'public/_headers.txt': 'secret',
  'public/node_modules/x/index.js': 'secret',
  'public/.well-known/security.txt': 'hello',
  'public/.well-known/.env': 'secret',
  'public/sub/.well-known/x': 'secret',
  'secret.txt': 'secret',
};

for (const path of [
  '/.env',
  '/%2eenv',
  '/.git/config',
  '/sub/.htaccess',
  '/_headers',
  '/%5fheaders',
  '/_redirects',
  '/_header',
  '/_headers.txt',
  '/node_modules/x/index.js',
  '/.well-known/.env',
  '/sub/.well-known/x',
  '/../secret.txt',
  '/sub/../../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/..%5csecret.txt',
  '/..\\secret.txt',
  '/sub/..%2f..%2fsecret.txt',
  '/.well-known/../.env',
  '/.well-known/..%2f.env',
  '/sub/a.txt%00.html',
  '/sub%2fa.txt',
  '/sub//a.txt',
  '/%',
  '/%80',
  '/%252e%252e/secret.txt',
]) {
  test(`a request for ${path} finds no file`, async (t) => {
    const server = await serveFiles(t, SITE);

    t.is((await server.fetch(path)).status, 421);
  });
}

test('a path that is too long for the file system finds no file', async (t) => {
  const server = await serveFiles(t, SITE);

  t.is((await server.fetch(`/${'a'.repeat(300)}`)).status, 421);
  t.is((await server.fetch(`/${'a/'.repeat(3000)}`)).status, 421);
});

test('a folder is never listed', async (t) => {
  const server = await serveFiles(t, SITE, [{ folder: 'public', slash: 'either' }]);

  for (const path of ['/sub', '/sub/', '/sub/.', '/.well-known/']) t.is((await server.fetch(path)).status, 421, path);
});

test('only dot folders at the top that a dialect names are served', async (t) => {
  const files = {
    ...SITE,
    'public/.open/a.txt': 'open',
    'public/.open/.env': 'secret',
    'public/sub/.open/x': 'secret',
  };
  const server = await serveFiles(t, files, [{ folder: 'public', dotFolders: ['.open', '..'] }]);

  t.is((await server.fetch('/.open/a.txt')).body, 'open');
  t.is((await server.fetch('/%2eopen/a.txt')).body, 'open');
  const hidden = [
    '/.well-known/security.txt',
    '/.open/.env',
    '/.open/%2eenv',
    '/sub/.open/x',
    '/.env',
    '/../secret.txt',
  ];
  for (const path of hidden) t.is((await server.fetch(path)).status, 421, path);
});

test('.well-known is served', async (t) => {
  const server = await serveFiles(t, SITE);

  t.is((await server.fetch('/.well-known/security.txt')).body, 'hello');
});

test('links inside the folder are followed; links that lead out, are broken or circular are listed', async (t) => {
  const { root, ...site } = await project(t, SITE);
  await symlink('sub/a.txt', join(root, 'public/link.txt'));
  await symlink('sub', join(root, 'public/latest'));
  await symlink('../secret.txt', join(root, 'public/file-out.txt'));
  await symlink('/etc', join(root, 'public/folder-out'));
  await symlink('none', join(root, 'public/nowhere'));
  await symlink('..', join(root, 'public/sub/round'));
  await symlink('.env', join(root, 'public/env.txt'));
  const { routes, ignored } = await readFiles({ root, ...site }, undefined);

  t.deepEqual(
    routes.map(({ pattern }) => pattern.text),
    ['/.well-known/security.txt', '/index.html', '/', '/latest/a.txt', '/link.txt', '/sub/a.txt'],
  );
  t.deepEqual(
    ignored.map(({ file, reason }) => `${file}: ${reason}`),
    [
      'public/env.txt: a link out of what is served',
      'public/file-out.txt: a link out of what is served',
      'public/folder-out: a link out of what is served',
      'public/latest/round: a link back to where it stands',
      'public/nowhere: a link to nowhere',
      'public/sub/round: a link back to where it stands',
    ],
  );
});

test('a folder that is itself a link is served', async (t) => {
  const elsewhere = await siteFolder(t, { 'a.txt': 'hello' });
  const { root, ...site } = await project(t, {});
  await symlink(elsewhere, join(root, 'public'));
  const { routes } = await readFiles({ root, ...site }, undefined);

  t.deepEqual(
    routes.map(({ file }) => file),
    ['public/a.txt'],
  );
});

test('FIFOs, sockets and devices are not served, and no request waits for them', async (t) => {
  const { root, ...site } = await project(t, { 'public/a.txt': 'a' });
  await promisify(execFile)('mkfifo', [join(root, 'public/fifo.txt')]);
  const { routes } = await readFiles({ root, ...site }, undefined);

  t.deepEqual(
    routes.map(({ file }) => file),
    ['public/a.txt'],
  );
});

test('a request for a file that became a link, a folder or a FIFO since the start is passed to the fallback', async (t) => {
  const server = await serveFiles(t, { 'public/a.txt': 'a', 'public/b.txt': 'b', 'public/c.txt': 'c', secret: 's' });
  await replace(join(server.root, 'public/a.txt'), (path) => symlink(join(server.root, 'secret'), path));
  await replace(join(server.root, 'public/b.txt'), (path) => mkdir(path));
  await replace(join(server.root, 'public/c.txt'), (path) => promisify(execFile)('mkfifo', [path]));

  for (const path of ['/a.txt', '/b.txt', '/c.txt']) t.is((await server.fetch(path)).status, 421);
});

for (const dev of [false, true]) {
  test(`a request for a file whose folder became a link out of the folder is passed to the fallback${dev ? ', also in development' : ''}`, async (t) => {
    const elsewhere = await siteFolder(t, { 'a.txt': 'secret' });
    const server = await serveFiles(t, { 'public/sub/a.txt': 'a' }, undefined, { dev });
    await replace(join(server.root, 'public/sub'), (path) => symlink(elsewhere, path));

    t.is((await server.fetch('/sub/a.txt')).status, 421);
  });
}

test('a site that is served from its top does not serve its sources', async (t) => {
  const paths = await served(t, {
    'index.html': 'home',
    'cloud-functions/hello.js': '',
    'functions/a.js': '',
    'netlify/functions/a.js': '',
    'edgeone.json': '{}',
    'package.json': '{}',
    'middleware.js': '',
    'sub/package.json': '{}',
  });

  t.deepEqual(paths, ['/index.html', '/', '/sub/package.json']);
});

test('a link with another name does not serve a source', async (t) => {
  const parts = await project(t, { 'index.html': 'home', 'functions/deep/a.js': '', 'package.json': '{}' });
  await symlink('functions/deep', join(parts.root, 'open'));
  await symlink('package.json', join(parts.root, 'open.json'));
  const { routes } = await readFiles(parts, [{ folder: '.' }]);

  t.is(routes.length, 2);
});

test('DATA_DIR is not served', async (t) => {
  const root = await siteFolder(t, { 'public/index.html': 'home', 'public/made/manifest.json': '{}' });
  const dataDir = join(root, 'public/made');
  const { routes } = await readFiles({ ...(await project(t, {})), root, dataDir }, undefined);

  t.is(routes.length, 2);
});

test('a folder outside of the site, or a missing one, is a problem and no route', async (t) => {
  const parts = await project(t, { 'a.txt': 'a' });
  const { routes, problems } = await readFiles(parts, [{ folder: '../x' }, { folder: 'dist' }]);

  t.deepEqual(routes, []);
  t.deepEqual(
    problems.map(({ file, message }) => `${file} ${message}`),
    ['../x is not served: the folder of files must be inside the site', 'dist does not exist, so no files are served'],
  );
});

async function served(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { routes } = await readFiles(await project(t, files), [{ folder: '.' }]);
  return routes.map(({ pattern }) => pattern.text);
}

async function replace(path: string, make: (path: string) => Promise<unknown>): Promise<void> {
  await rm(path, { recursive: true });
  await make(path);
}

test('server code of a build is not served, whatever folder the site names', async (t) => {
  const files = { 'dist/index.html': 'page', 'dist/server/entry.mjs': 'secret', 'dist/server/chunks/a.mjs': 'secret' };
  for (const folder of ['dist', '.']) {
    const { url } = await serveFiles(t, files, [{ folder }]);
    const prefix = folder === '.' ? '/dist' : '';

    t.is(await (await fetch(`${url}${prefix}/index.html`)).text(), 'page');
    for (const path of ['/server/entry.mjs', '/server/chunks/a.mjs']) {
      t.is((await fetch(`${url}${prefix}${path}`)).status, 421, path);
    }
  }
});

test('of a site that is served from its top, neither settings under other names, keys nor logs are', async (t) => {
  const secrets = [
    ...['netlify.tml', 'netlify.toml.bak', 'edgeone.json~', 'package.json.old', 'env', 'prod.env', 'server.key'],
    ...['certs/server.pem', 'logs/access.log'],
  ];
  const files = Object.fromEntries(secrets.map((path) => [path, 'secret']));
  const shown = { 'index.html': 'home', 'env.js': 'shown', 'data/netlify.tml': 'shown', 'data/packages.json': 'shown' };
  const { root, ...rest } = await project(t, { ...files, ...shown });
  await symlink('server.key', join(root, 'download.txt'));
  const place = { folder: '.', namedBy: { key: 'publish', file: 'netlify.toml', line: 2 } };

  const parts = { root, ...rest, privatePaths: [join(root, 'logs')] };
  const { routes, problems } = await readFiles(parts, [place]);

  t.deepEqual(routes.map(({ pattern }) => pattern.text).toSorted(), [
    '/',
    '/data/netlify.tml',
    '/data/packages.json',
    '/env.js',
    '/index.html',
  ]);
  t.deepEqual(problems, [
    {
      severity: 'warning',
      file: 'netlify.toml',
      line: 2,
      message:
        'publish names ., which is the whole site; not served, because they look like settings or secrets: certs/server.pem, download.txt, edgeone.json~, env, netlify.tml and 4 more; put public files into a folder of their own',
    },
  ]);
});

test('a key in a folder for public files is served, and the logs of nexthop in it are not', async (t) => {
  const { root, ...rest } = await project(t, { 'public/slides.key': 'slides', 'public/logs/access.log': 'secret' });

  const { routes, problems } = await readFiles({ root, ...rest, privatePaths: [join(root, 'public/logs')] }, undefined);

  t.deepEqual(
    routes.map(({ pattern }) => pattern.text),
    ['/slides.key'],
  );
  t.deepEqual(problems, []);
});
