import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { serveFiles } from '../helpers/file-server.ts';

/** A site without a build, with pages and code at its top, and all kinds of private files. */
const SITE: Readonly<Record<string, string>> = {
  'index.html': `<link rel="stylesheet" href="css/style.css"><img src="logo.png">
    <script src="./js/app.js?v=2"></script><script type="module">import "/js/inline.mjs";</script>
    <pre>node server.js</pre> <a href="docs/">docs</a> <a href='https://other.example/lib/db.js'>x</a>`,
  'docs/index.html': "<script src='../js/docs.js'></script>",
  'css/style.css': '@import url(theme.css)',
  'css/theme.css': '',
  'logo.png': 'png',
  'robots.txt': 'robots',
  '.well-known/security.txt': 'contact',
  'js/app.js': `import { a } from './parts/a.mjs'; import './config.js'; fetch('data/posts.json'); fetch(\`lang/\${code}.json\`);
    navigator.serviceWorker.register("/sw.js");\n//# sourceMappingURL=app.js.map`,
  'js/app.js.map': '{}',
  'js/app.js.br': 'packed',
  'js/inline.mjs': '',
  'js/parts/a.mjs': "export * from '../b%20c.js';",
  'js/b c.js': '',
  'js/config.js': 'public',
  'js/docs.js': "fetch('notes.json')",
  'docs/notes.json': '[]',
  'data/posts.json': '[]',
  'sw.js': '',

  'config.js': 'secret of the server',
  'server.js': 'secret',
  'lib/db.js': 'secret',
  'lang/en.json': '{}',
  'data/users.json': 'secret',
  'data/state.sqlite': 'secret',
  '.env': 'secret',
  '.git/config': 'secret',
  'package.json': '{"dependencies":{}}',
  'package-lock.json': '{}',
  'edgeone.json': '{}',
  'middleware.js': 'secret',
  'src/index.ts': 'secret',
  'deploy.sh': 'secret',
  'key.pem': 'secret',
  'requirements.txt': 'secret',
  'tests/page.html': 'secret',
  'cloud-functions/api.js': "import '../lib/db.js';",
  'cloud-functions/page.html': 'secret',
  'agents/chat.txt': 'secret',
  'lib/node_modules/pkg/index.html': 'secret',
  'lib/node_modules/pkg/page.js': 'secret',
};

const SERVED = [
  ...['/', '/index.html', '/docs/', '/css/style.css', '/css/theme.css', '/logo.png', '/robots.txt', '/sw.js'],
  ...[
    '/js/app.js',
    '/js/app.js.map',
    '/js/inline.mjs',
    '/js/parts/a.mjs',
    '/js/b%20c.js',
    '/js/config.js',
    '/js/docs.js',
  ],
  ...['/docs/notes.json', '/data/posts.json', '/.well-known/security.txt'],
];

const PRIVATE = [
  ...['/config.js', '/server.js', '/lib/db.js', '/lang/en.json', '/data/users.json', '/data/state.sqlite', '/.env'],
  ...[
    '/.git/config',
    '/package.json',
    '/package-lock.json',
    '/edgeone.json',
    '/middleware.js',
    '/src/index.ts',
    '/deploy.sh',
  ],
  ...[
    '/key.pem',
    '/requirements.txt',
    '/tests/page',
    '/tests/page.html',
    '/cloud-functions/api.js',
    '/cloud-functions/page',
  ],
  ...[
    '/cloud-functions/page.html',
    '/agents/chat.txt',
    '/lib/node_modules/pkg/',
    '/node_modules/ava/package.json',
    '/js',
    '/css/',
  ],
];

for (const dev of [false, true]) {
  test(`pages at the top of a site are served with the files that they name, and no others${dev ? ', also in development' : ''}`, async (t) => {
    const server = await serveFiles(t, SITE, undefined, { dev });

    for (const path of SERVED) t.is((await server.fetch(path)).status, 200, path);
    for (const path of PRIVATE) t.is((await server.fetch(path)).status, 421, path);
    t.is((await server.fetch('/js/app.js', { 'Accept-Encoding': 'br' })).headers['content-encoding'], 'br');
    t.deepEqual(server.reading.problems, []);
    t.like(server.reading.ignored, [{ file: '.' }]);
    t.regex(server.reading.ignored[0]?.reason ?? '', /; not config\.js, data\/users\.json, lang\/en\.json and 2 more:/);
  });
}

test('in development a script is served when a page names it', async (t) => {
  const server = await serveFiles(t, { 'index.html': 'home', 'late.js': 'late' }, undefined, { dev: true });
  t.is((await server.fetch('/late.js')).status, 421);

  await writeFile(join(server.root, 'index.html'), '<script src="late.js"></script>');

  t.is((await server.fetch('/late.js')).body, 'late');
});

test('a folder with only public files causes no problems', async (t) => {
  const { reading } = await serveFiles(t, { 'index.html': '<img src=a.png>', 'a.png': '' });

  t.deepEqual([reading.ignored, reading.problems], [[], []]);
});
