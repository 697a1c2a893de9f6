import test from 'ava';
import { exchange, file, functionRoutes, serveRules } from '../../../helpers/redirect-server.ts';

test('the first rule that matches is used, even if another is more specific', async (t) => {
  const server = await serveRules(t, [
    { from: '/a/*', to: '/first', query: { q: 'x' } },
    { from: '/a/*', to: '/second' },
    { from: '/a/b', to: '/third' },
  ]);

  t.regex(await exchange(server, '/a/b'), /^Location: \/second\r$/m);
  t.regex(await exchange(server, '/a/b?q=x'), /^Location: \/first\r$/m);
});

test('a rule with force comes before functions and files, another one after them and after pages of a build', async (t) => {
  const server = await serveRules(
    t,
    [
      { from: '/own', to: '/lost' },
      { from: '/forced/*', to: '/found/:splat', force: true },
      { from: '/file', to: '/lost' },
      { from: '/page', to: '/lost' },
      { from: '/free', to: '/found' },
    ],
    [
      ...functionRoutes('own', { paths: ['/own', '/forced/own'] }),
      file('/file'),
      file('/forced/file'),
      file('/page', 5),
    ],
  );

  t.regex(await exchange(server, '/own'), /own at \/own/);
  t.regex(await exchange(server, '/file'), /the file/);
  t.regex(await exchange(server, '/page'), /the file/);
  t.regex(await exchange(server, '/forced/own'), /^Location: \/found\/own\r$/m);
  t.regex(await exchange(server, '/forced/file'), /^Location: \/found\/file\r$/m);
  t.is(server.exchanges.at(-1)?.route, '/forced/*');
  t.regex(await exchange(server, '/free'), /^Location: \/found\r$/m);
});

test('a rule without force hides later rules with force if its query matches', async (t) => {
  const server = await serveRules(
    t,
    [
      { from: '/a/*', to: '/first', query: { q: 'x' } },
      { from: '/a/b', to: '/second', force: true },
    ],
    [file('/a/b')],
  );

  t.regex(await exchange(server, '/a/b'), /^Location: \/second\r$/m);
  t.regex(await exchange(server, '/a/b?q=x'), /the file/);
  t.regex(await exchange(server, '/a/c?q=x'), /^Location: \/first\r$/m);
});

test('a rule with force may rewrite to a function, and the client keeps its URL', async (t) => {
  const server = await serveRules(
    t,
    [
      { from: '/api/*', to: '/.netlify/functions/:splat', status: 200, force: true },
      { from: '/same', to: '/same', force: true },
    ],
    [...functionRoutes('hello', { methods: ['GET'] }), file('/api/hello'), file('/same')],
  );

  t.regex(await exchange(server, '/api/hello'), /hello at undefined called for \/api\/hello with/);
  t.is(server.exchanges[0]?.route, '/.netlify/functions/hello');
  t.regex(await exchange(server, '/same'), /the file/);
});
