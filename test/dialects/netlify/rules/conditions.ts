import { createHmac } from 'node:crypto';
import test from 'ava';
import { startEdge } from '../../../helpers/edge.ts';
import { exchange, file, serveRules } from '../../../helpers/redirect-server.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const GERMANY = Buffer.from('{"country":{"code":"DE"}}').toString('base64');

type Headers = Readonly<Record<string, string>>;
type Row = readonly [title: string, condition: object, headers: Headers, matches: boolean];

const ROWS: readonly Row[] = [
  ['a country of the list', { country: ['at', 'de'] }, { 'x-nf-geo': GERMANY }, true],
  ['the country of another header', { country: ['DE'] }, { 'section-io-geo-country-code': 'DE' }, true],
  ['another country', { country: ['at'] }, { 'x-nf-geo': GERMANY }, false],
  ['no country known', { country: ['at'] }, {}, false],
  ['a country in a cookie', { country: ['at'] }, { 'x-nf-geo': GERMANY, Cookie: 'a=b; nf_country=AT' }, true],
  ['no value', { country: [] }, {}, false],
  ['the first language', { language: ['de'] }, { 'Accept-Language': 'de-AT,en;q=0.5' }, true],
  ['a regional language', { language: ['de-at'] }, { 'Accept-Language': 'de-AT' }, true],
  ['another region', { language: ['de-at'] }, { 'Accept-Language': 'de' }, false],
  ['a second language', { language: ['en'] }, { 'Accept-Language': 'de-AT,en;q=0.5' }, false],
  ['a language in a cookie', { language: ['en'] }, { 'Accept-Language': 'de', Cookie: 'nf_lang=en' }, true],
  ['no language', { language: ['en'] }, {}, false],
  ['a cookie', { cookie: ['x', 'beta'] }, { Cookie: 'beta=1' }, true],
  ['a cookie without a value', { cookie: ['beta'] }, { Cookie: 'beta=; betas=1' }, false],
  ['all kinds', { cookie: ['beta'], language: ['de'] }, { Cookie: 'beta=1', 'Accept-Language': 'de' }, true],
  ['one of two kinds', { cookie: ['beta'], language: ['de'] }, { Cookie: 'beta=1', 'Accept-Language': 'en' }, false],
];

for (const [title, conditions, headers, matches] of ROWS) {
  test(`a rule with conditions and a request with ${title}: it ${matches ? 'matches' : 'does not match'}`, async (t) => {
    const server = await serveRules(t, [{ from: '/*', to: 'https://b.example/:splat', conditions }]);

    const answer = await exchange(server, '/a', 'GET', headers);

    t.regex(
      answer,
      matches ? /^HTTP\/1\.1 301 [^\n]*\n(?:.*\r\n)*Cache-Control: private, no-store\r/ : /^HTTP\/1\.1 404 /,
    );
  });
}

test('a country that an untrusted client sends fulfils no condition, and a page that depends on it has Vary', async (t) => {
  const site = await siteFolder(t, {
    'netlify.toml': '[build]\npublish = "out"',
    'out/_redirects': '/ /de.html 200! Country=de\n/lang /de.html 200 Language=de',
    'out/index.html': 'world',
    'out/de.html': 'german',
  });
  const spoofed = await startEdge(t, { site, env: { TRUSTED_PROXIES: 'none' } });
  const trusted = await startEdge(t, { site });

  t.regex(await exchange(spoofed, '/', 'GET', { 'x-nf-geo': GERMANY }), /world$/);
  t.regex(await exchange(trusted, '/', 'GET', { 'x-nf-geo': GERMANY }), /Vary: Cookie\r.*german$/s);
  t.regex(
    await exchange(trusted, '/lang', 'GET', { 'Accept-Language': 'de' }),
    /Vary: Accept-Language, Cookie\r.*german$/s,
  );
});

const SECRET = 'a secret of the site';
const ADMIN = { app_metadata: { authorization: { roles: ['editor', 'admin'] } } };

function token(claims: object, { alg = 'HS256', secret = SECRET } = {}): Headers {
  const parts = [{ alg, typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const signature = alg === 'none' ? '' : createHmac('sha256', secret).update(parts.join('.')).digest('base64url');
  return { Cookie: `nf_jwt=${parts.join('.')}.${signature}` };
}

const NOW_S = Math.floor(Date.now() / 1000);

for (const [title, headers, isAllowed] of [
  ['the role', token({ ...ADMIN, exp: NOW_S + 600 }), true],
  ['the role without an end', token(ADMIN), true],
  ['no token', {}, false],
  ['no role', token({ exp: NOW_S + 600 }), false],
  ['another role', token({ app_metadata: { authorization: { roles: ['editor'] } } }), false],
  ['a text for the list', token({ app_metadata: { authorization: { roles: 'administrators' } } }), false],
  ['an expired token', token({ ...ADMIN, exp: NOW_S - 600 }), false],
  ['a token that is not valid yet', token({ ...ADMIN, nbf: NOW_S + 600 }), false],
  ['a token without a signature', token(ADMIN, { alg: 'none' }), false],
  ['a token that names another algorithm', token(ADMIN, { alg: 'RS256' }), false],
  ['a token of another secret', token(ADMIN, { secret: 'other' }), false],
  ['a text that is no token', { Cookie: 'nf_jwt=a.b.c' }, false],
] as const) {
  test(`a rule with a role and a client with ${title}: ${isAllowed ? 'it answers' : '404'}`, async (t) => {
    const rules = [{ from: '/admin/*', to: 'https://in.example/', force: true, conditions: { role: ['admin'] } }];
    const server = await serveRules(t, rules, [file('/admin/x')], { JWT_SECRET: SECRET });

    t.regex(
      await exchange(server, '/admin/x', 'GET', headers),
      isAllowed ? /^HTTP\/1\.1 301 / : /^HTTP\/1\.1 404 .*not_found/s,
    );
  });
}

test('no spelling of a path passes a rule with a role', async (t) => {
  const rules = [
    { from: '/admin/*', to: '/admin/:splat', status: 200, conditions: { role: ['admin'] } },
    { from: '/*', to: 'https://all.example/' },
  ];
  const server = await serveRules(t, rules, [], { JWT_SECRET: SECRET });

  for (const target of [
    '/ADMIN/x',
    '//admin/x',
    '/%61dmin/x',
    '/a/..%2fadmin/x',
    '/a/%252e%252e/admin',
    '/a%5c..%5cadmin',
  ])
    t.regex(await exchange(server, target), /^HTTP\/1\.1 404 .*not_found/s, target);
  t.regex(await exchange(server, '/administration'), /^HTTP\/1\.1 301 /);
});

for (const [from, closed] of [
  ['/admin/*', ['/admin', '/admin.html', '/admin/index.html', '/admin/x', '//admin.html']],
  ['/hidden', ['/hidden.html', '/hidden/', '/hidden/index.html']],
  ['/hidden.html', ['/hidden', '/hidden/', '/hidden/index.html']],
  ['/folder/index.html', ['/folder', '/folder/', '/folder/index']],
] as const) {
  test(`a role for ${from} is needed for all paths of its pages`, async (t) => {
    const rules = [
      { from: '/hidden/open', to: '/x', status: 302 },
      { from, to: '/x', status: 302, force: true, conditions: { role: ['admin'] } },
      { from: '/*', to: 'https://all.example/' },
    ];
    const server = await serveRules(t, rules, [], { JWT_SECRET: SECRET });

    for (const target of closed)
      t.regex(await exchange(server, target), /^HTTP\/1\.1 (?:404|301 .*all\.example)/s, target);
    for (const target of closed) t.notRegex(await exchange(server, target), /Location: \/x/, target);
    t.regex(await exchange(server, '/other.html'), /^HTTP\/1\.1 301 /);
  });
}

test('a rule without a role keeps a page open that a later rule with a role would close', async (t) => {
  const rules = [
    { from: '/login', to: '/login', status: 200 },
    { from: '/*', to: '/:splat', status: 200, force: true, conditions: { role: ['admin'] } },
  ];
  const server = await serveRules(t, rules, [file('/login')], { JWT_SECRET: SECRET });

  t.regex(await exchange(server, '/login'), /the file$/);
  t.regex(await exchange(server, '/login.html'), /^HTTP\/1\.1 404 /);
});

test('a client without the role of a rule gets the response of the next rule, also if a file has the path', async (t) => {
  const rules = [
    { from: '/admin/*', to: '/admin/:splat', status: 200, force: true, conditions: { role: ['admin'] } },
    { from: '/admin/*', to: '/login', status: 302 },
  ];
  const server = await serveRules(t, rules, [file('/admin/x')], { JWT_SECRET: SECRET });

  t.regex(await exchange(server, '/admin/x'), /^HTTP\/1\.1 302 [^\n]*\n(?:.*\r\n)*Location: \/login\r/);
});

test('a path that needs a role gets 404, and is reported at start, if no secret is set', async (t) => {
  const site = await siteFolder(t, {
    'netlify.toml': '[build]\npublish = "out"',
    'out/_redirects': '/admin/* 200! Role=admin',
    'out/admin/x.txt': 'plan',
  });
  const edge = await startEdge(t, { site });
  const open = await startEdge(t, { site, env: { JWT_SECRET: SECRET } });

  t.regex(await exchange(edge, '/admin/x.txt', 'GET', token(ADMIN)), /^HTTP\/1\.1 404 /);
  t.like(edge.edge.site.problems, { ...[{ file: 'out/_redirects', line: 1 }], length: 1 });
  t.regex(edge.edge.site.problems[0]?.message ?? '', /^the variable JWT_SECRET is not set/);
  const answer = await exchange(open, '/admin/x.txt', 'GET', token(ADMIN));
  t.regex(answer, /^HTTP\/1\.1 200 .*Cache-Control: private, no-store\r.*plan$/s);
  t.notRegex(answer, /public/);
  t.regex(await exchange(open, '/admin/x.txt'), /^HTTP\/1\.1 404 /);
});
