import test from 'ava';
import { readHeadersFile } from '../../../../src/dialects/netlify/config/headers-file.ts';

test('a path of _headers has the headers below it, and a repeated name has all values', (t) => {
  const text = [
    '\uFEFF# all pages',
    '/*',
    '  X-Frame-Options: DENY',
    '  Link: </a.css>; rel=preload',
    '  link: </b.css>; rel=preload\r',
    '',
    '/empty',
    '/admin/*',
    '  Basic-Auth: me:a:b you:c',
    '  basic-auth: them:d',
  ].join('\n');

  const { rules, problems } = readHeadersFile(text, 'out/_headers');

  t.deepEqual(problems, []);
  t.deepEqual(
    rules.map(({ line, path, values }) => [line, path, Object.fromEntries(values)]),
    [
      [
        2,
        '/*',
        {
          'x-frame-options': ['X-Frame-Options', 'DENY'],
          link: ['Link', '</a.css>; rel=preload, </b.css>; rel=preload'],
        },
      ],
      [8, '/admin/*', { 'basic-auth': ['Basic-Auth', 'me:a:b you:c them:d'] }],
    ],
  );
});

for (const [lines, line, message, severity = 'error'] of [
  [['X-A: 1'], 1, 'must stand below the path that it is for; it is not used'],
  [['/a', 'X-A'], 2, 'is neither a path with a slash at its start nor a header, "Name: value"; it is not used'],
  [['/a', '! X-A'], 2, 'is for Cloudflare Pages alone; it is not used', 'warning'],
  [['/a', 'X-A:'], 2, 'the header "X-A" has no value; it is not used'],
  [['/a', 'Content-Length: 1'], 2, 'the header Content-Length is set by the server alone; it is not used', 'warning'],
  [['/a', 'X A: 1'], 2, 'the header "X A" has characters that cannot be sent; it is not used'],
  [['/a', 'X-A: \u4e2d'], 2, 'the header "X-A" has characters that cannot be sent; it is not used'],
  [
    ['/a', 'Basic-Auth: secret'],
    2,
    'Basic-Auth must be names and passwords such as "user:password", with spaces between them; its path is closed',
  ],
  [
    ['https://a.test/*'],
    1,
    'is a URL, and must be a path of the site, such as "/about"; the headers below are not used',
  ],
  [['Basic-Auth: a:b'], 1, 'must stand below the path that it protects; every path is closed'],
  [['/a', 'Basic-Auth:'], 2, 'the header "Basic-Auth" has no value; its path is closed'],
  [['/a', 'Basic_Auht: a:b'], 2, 'Basic_Auht is no header; did you mean Basic-Auth?; its path is closed'],
] as const) {
  test(`of _headers the line "${lines.at(-1)}" is reported, and the others are used`, (t) => {
    const { rules, problems } = readHeadersFile([...lines, '/b', 'X-B: 1'].join('\n'), '_headers');

    t.deepEqual(problems, [{ severity, file: '_headers', line, message }]);
    t.true(rules.some(({ path }) => path === '/b'));
  });
}

test('headers below a URL in _headers are not used, and a Basic-Auth there closes every path', (t) => {
  const text = '/a\nX-A: 1\nhttps://a.test/*\nX-B: 1\nBasic-Auth: a:b';

  const { rules, problems } = readHeadersFile(text, '_headers');

  t.deepEqual(
    rules.map(({ path, values }) => [path, [...values.keys()]]),
    [
      ['/a', ['x-a']],
      ['/*', ['basic-auth']],
    ],
  );
  t.deepEqual(
    problems.map(({ line }) => line),
    [3, 5],
  );
});
