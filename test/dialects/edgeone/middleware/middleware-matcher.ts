import test from 'ava';
import { toMatcher } from '../../../../src/dialects/edgeone/middleware/middleware-matcher.ts';

const PATTERNS: Readonly<Record<string, { readonly yes: readonly string[]; readonly no: readonly string[] }>> = {
  '/about': { yes: ['/about', '/about/', '/About', '/about?x'], no: ['/', '/about/x', '/abouts'] },
  '/api/:path*': { yes: ['/api', '/api/', '/api/a', '/api/a/b?c'], no: ['/apis', '/x/api'] },
  '/u/:id': { yes: ['/u/7'], no: ['/u', '/u/7/8'] },
  '/u/:id(\\d+)': { yes: ['/u/7'], no: ['/u/x'] },
  '/((?!public).*)': { yes: ['/a', '/'], no: ['/public', '/public/x'] },
  '^/user/\\d+$': { yes: ['/user/7', '/USER/7'], no: ['/user/x', '/a/user/7'] },
  '/api/.*': { yes: ['/api/a/b'], no: ['/api', '/x'] },
  '/docs/*': { yes: ['/docs/a', '/docs/a/b'], no: ['/docs', '/doc/a'] },
  '*': { yes: ['/', '/a%zz', '//x'], no: [] },
  '/*': { yes: ['/', '/a'], no: [] },
};

for (const [pattern, { yes, no }] of Object.entries(PATTERNS)) {
  test(`the matcher ${pattern} matches the paths that the platform's page documents`, (t) => {
    const { matcher, mistakes } = toMatcher(pattern);

    t.deepEqual(mistakes, []);
    for (const target of yes) t.true(matcher.matches(target), target);
    for (const target of no) t.false(matcher.matches(target), target);
  });
}

test('a list matches if any of its patterns matches, also one in an object', (t) => {
  const { matcher } = toMatcher(['/a', { source: '/b' }]);

  t.deepEqual(
    ['/a', '/b', '/c'].map((target) => matcher.matches(target)),
    [true, true, false],
  );
});

test('without a matcher every path matches', (t) => {
  t.true(toMatcher(undefined).matcher.matches('/any'));
});

for (const invalid of ['', '/(', 5, null, {}]) {
  test(`${JSON.stringify(invalid)} is not a valid pattern, and matches every path`, (t) => {
    const { matcher, mistakes } = toMatcher(invalid);

    t.is(mistakes.length, 1);
    t.true(matcher.matches('/any'));
  });
}

const SPELLINGS: readonly string[] = [
  ...[
    '/admin/x',
    '/%61dmin',
    '/admin%2Fx',
    '/%2e/admin',
    '/public/..%2fadmin',
    '/public/../admin/x',
    '/public/%2E%2E/admin',
  ],
  ...['/%2561dmin', '/%25252561dmin', '/%2%35%36%31dmin', '/public/..%252f%25%36%31dmin', '/admin%00', '/%2Fadmin'],
  ...['//admin', '/\\admin', '/%5cadmin', '/admin/%zz', '/%61dmin/%zz', '/x//../admin', '/./admin/', '/admin//x'],
];

for (const target of SPELLINGS) {
  test(`the matcher /admin/:path* matches ${target}, which a server may read as /admin`, (t) => {
    t.true(toMatcher('/admin/:path*').matcher.matches(target));
  });
}

for (const [pattern, targets] of [
  [
    '/hidden',
    ['/hidden/', '/hidden.html', '/hidden/index.html', '/hidden%2ehtml', '/hidden.html.gz', '/hidden.html.%62r'],
  ],
  ['/hidden.html', ['/hidden', '/hidden/', '/hidden/index.html']],
  ['/', ['/index.html', '/index']],
] as const) {
  test(`the matcher ${pattern} matches all paths of its page`, (t) => {
    for (const target of targets) t.true(toMatcher(pattern).matcher.matches(target), target);
  });
}

test('a matcher that excludes a page does not match it by another of its paths', (t) => {
  const { matcher } = toMatcher('/((?!login$).*)');

  t.deepEqual(
    ['/login', '/login.html', '/other'].map((target) => matcher.matches(target)),
    [false, true, true],
  );
});

test('a path with Unicode is matched in its encoded form and decoded', (t) => {
  const { matcher } = toMatcher('/größe');

  t.true(matcher.matches('/gr%C3%B6%C3%9Fe'));
  t.false(matcher.matches('/gr%C3%B6sse'));
});
