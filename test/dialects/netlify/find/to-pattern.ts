import test from 'ava';
import type { Pattern } from '../../../../src/contract/pattern.ts';
import type { Params } from '../../../../src/contract/target.ts';
import { toPattern } from '../../../../src/dialects/netlify/find/to-pattern.ts';
import { createRouter } from '../../../../src/routing/router.ts';
import { SOON_MS } from '../../../helpers/patience.ts';
import { route } from '../../../helpers/route.ts';

type Row = readonly [pattern: string, target: string, params?: Params];

const TABLE: readonly Row[] = [
  ['/products', '/products', {}],
  ['/products', '/products/', {}],
  ['/products', '/products/x'],
  ['/products/', '/products', {}],
  ['/products/', '/products/', {}],
  ['/products/:id', '/products/1', { id: '1' }],
  ['/products/:id', '/products/1/', { id: '1' }],
  ['/products/:id/', '/products/1', { id: '1' }],
  ['/products/:id', '/products'],
  ['/products/:id', '/products/'],
  ['/products/:id', '/products/1/2'],
  ['/products/:id?', '/products', {}],
  ['/products/:id?', '/products/1', { id: '1' }],
  ['/products/:id?.html', '/products.html', {}],
  ['/x/:rest+', '/x/a/b', { rest: 'a/b' }],
  ['/x/:rest+', '/x'],
  ['/x/:rest*', '/x', {}],
  ['/x/:rest*', '/x/', {}],
  ['/x/:rest*', '/x/a/b/', { rest: 'a/b' }],
  ['/sale/*', '/sale/a', { 0: 'a' }],
  ['/sale/*', '/sale/a/b', { 0: 'a/b' }],
  ['/sale/*', '/sale/a//b', { 0: 'a//b' }],
  ['/sale/*', '/sale/', { 0: '' }],
  ['/sale/*', '/sale'],
  ['/sale*', '/sale', { 0: '' }],
  ['/sale*', '/sales/x', { 0: 's/x' }],
  ['/*', '/', { 0: '' }],
  ['/*', '/a/b', { 0: 'a/b' }],
  ['/*/edit/*', '/a/b/edit/c', { 0: 'a/b', 1: 'c' }],
  ['/x/:id(\\d+)', '/x/12', { id: '12' }],
  ['/x/:id(\\d+)', '/x/a'],
  ['/x/(\\d+)', '/x/12', { 0: '12' }],
  ['/x/(\\d+)', '/x/a'],
  ['/x/(\\d*)', '/x/', { 0: '' }],
  ['/x/(\\d+|new)/:tab', '/x/new/a', { 0: 'new', tab: 'a' }],
  ['/x/(.*)/end', '/x/a/b/end', { 0: 'a/b' }],
  ['/x/([.-9]+)/end', '/x/1/2/end', { 0: '1/2' }],
  ['/files/:name.:ext', '/files/a.txt', { name: 'a', ext: 'txt' }],
  ['/files/:name.:ext', '/files/a.b.c', { name: 'a', ext: 'b.c' }],
  ['/files/:name.:ext', '/files/a'],
  ['/:year-:month', '/2026-11', { year: '2026', month: '11' }],
  ['{/:lang}?/about', '/about', {}],
  ['{/:lang}?/about', '/en/about', { lang: 'en' }],
  ['{/:lang}?/about', '/en/de/about'],
  ['/a{/b}?/:c', '/a/b/c', { c: 'c' }],
  ['/a{b/c}?', '/ab/c', {}],
  ['/a{b/c}?', '/a', {}],
  ['/{plain}/:id', '/plain/7', { id: '7' }],
  ['/x\\:y/:id', '/x:y/7', { id: '7' }],
  ['/[id]/:id', '/[id]/7', { id: '7' }],
  ['/travel-guide/:city/:country', '/travel-guide/S%C3%A3o%20Paulo/BR', { city: 'S%C3%A3o%20Paulo', country: 'BR' }],
  ['/caf\u00e9', '/caf%C3%A9', {}],
  ['/caf\u00e9/:id', '/caf%c3%a9/a%20b', { id: 'a%20b' }],
  ['/a b/:id', '/a%20b/7', { id: '7' }],
  ['/about/:id', '/%61bout/7', { id: '7' }],
  ['/Products/:id', '/products/7'],
  ['/:id', '/a%2Fb', { id: 'a%2Fb' }],
  ['/:id', '/a%2f..'],
];

for (const [pattern, target, params] of TABLE) {
  test(`${pattern} ${params ? `matches ${target} with ${JSON.stringify(params)}` : `does not match ${target}`}`, (t) => {
    t.deepEqual(take(compile(pattern), target), params);
  });
}

for (const [path, complaint] of [
  ['https://a.example/x', /is a whole URL; only its path can be matched$/],
  ['https://a.example/:x', /is a whole URL/],
  ['products', /must start with "\/"$/],
  ['', /must start with "\/"$/],
  [':id', /must start with "\/"$/],
  ['/foo?x=1', /has a query/],
  ['/foo/:id?x=1', /has a query/],
  ['/foo#top', /has a "#"/],
  ['/foo/:id#top', /has a "#"/],
  ['/x/:id(\\d+', /^"\/x\/:id\(\\\\d\+" at character 7 opens with "\(" and is never closed$/],
  ['/x/:id([a-)', /at character 7 has an invalid expression: Range out of order in character class$/],
  ['/x/:id(a(b)c)', /at character 9 has a group inside an expression/],
  ['/x/:id(a(?<n>b)c)', /at character 9 has a group inside an expression/],
  ['/x/()', /at character 4 has an empty expression/],
  ['/x/(?:a)', /at character 5 begins an expression with "\?"/],
  ['/x/(\u00e9)', /at character 4 has an expression that is not ASCII/],
  ['/{a', /at character 2 opens with "\{" and is never closed/],
  ['/{a{b}}', /at character 4 has a "\{" where none is allowed/],
  ['/*/a}', /at character 5 has a "\}" where none is allowed/],
  ['/*/+', /at character 4 has a "\+" where none is allowed/],
  ['/:a/:a', /at character 5 has the name "a" a second time/],
  ['/:/x', /at character 2 has a ":" without a name/],
  ['/*\\', /at character 3 ends with a "\\" without a character after it/],
  ['/x/:id(.+)+', /at character 4 repeats an expression/],
  ['/a%2Fb', /never matches/],
  ['/a/../b', /never matches/],
] as const) {
  test(`${JSON.stringify(path)} is refused with a reason`, (t) => {
    const found = toPattern(path);

    t.regex(typeof found === 'string' ? found : 'no reason', complaint);
  });
}

test('params inherit nothing', (t) => {
  t.false('toString' in (take(compile('/:constructor'), '/x', false) ?? {}));
});

test('case is ignored only if the route allows it, and params keep their case', (t) => {
  const router = createRouter([route('/item/:id', { pattern: compile('/item/:id'), anyCase: true })]);

  t.deepEqual({ ...router.find('GET', '/Item/AbC')[0]?.params }, { id: 'AbC' });
  t.is(createRouter([route('/item/:id', { pattern: compile('/item/:id') })]).find('GET', '/Item/AbC').length, 0);
});

const TIGHT: readonly (readonly [pattern: string, ...segments: string[]])[] = [
  ['/', ''],
  ['/a/b', 'a', 'b'],
  ['/a/:id/c', 'a', ':', 'c'],
  ['/a/{x-}:id.html', 'a', ':'],
  ['/a/([a-z0-9_-]+)/c', 'a', ':', 'c'],
  ['/a/([^a]+)/c', 'a', '*'],
  ['/a/:id?/c', 'a', '*'],
  ['/a/b*', 'a', '*'],
  ['/a/:id*', 'a', '*'],
  ['/a{/b}/c', 'a', 'b', 'c'],
  ['/*', '*'],
];

for (const [pattern, ...segments] of TIGHT) {
  test(`${pattern} is found under ${segments.join('/') || '/'}`, (t) => {
    const found = compile(pattern).segments.map((segment) =>
      segment.kind === 'literal' ? segment.text : segment.kind === 'param' ? ':' : '*',
    );

    t.deepEqual(found, segments.filter(Boolean));
  });
}

test("thousands of patterns and paths match as with Node's URLPattern, and the router finds them", (t) => {
  const random = seeded(20_261_121);
  let matched = 0;
  for (let round = 0; round < 3000; round++) {
    const text = randomPattern(random);
    const reference = referenceOf(text);
    const pattern = toPattern(text);
    if (reference === undefined || typeof pattern === 'string') {
      // Matching it would take too many attempts, so it is refused even if URLPattern accepts it.
      if (String(pattern).includes('repeats an expression')) continue;
      t.is(typeof pattern === 'string', reference === undefined, `${text}: ${String(pattern)}`);
      continue;
    }
    for (let path = 0; path < 8; path++) {
      const target = randomPath(random, text);
      const expected = groupsOf(reference, target);
      t.deepEqual(take(pattern, target), expected, `${text} on ${target}`);
      if (expected) matched += 1;
    }
  }
  t.true(matched > 2000, `only ${matched} matched`);
});

const HOSTILE: readonly (readonly [pattern: string, path: string])[] = [
  ['/:a-:b/x', `/${'-'.repeat(30_000)}`],
  ['/:a-:b-:c-:d/x', `/${'-'.repeat(30_000)}`],
  ['/:a-:b-:c/x', `/${'-'.repeat(256)}`],
  ['/:a.:b.:c.:d/x', `/${'.'.repeat(120)}`],
  ['/*/a/*/b', '/a'.repeat(15_000)],
  ['/*/a/*/b', '/a'.repeat(2000)],
  ['/*.*.*.*x', `/${'.'.repeat(30_000)}`],
  ['/x/:rest*/y', '/x'.repeat(15_000)],
  ['/:a*/:b*/y', '/x'.repeat(15_000)],
  ['/{:a-}+x', `/${'-'.repeat(30_000)}`],
  ['/**/y', '/x'.repeat(15_000)],
  ['/x:a+/(.*)/y', '/x'.repeat(15_000)],
  ['/(\\d+)/*/y', '/1'.repeat(15_000)],
];

for (const [pattern, path] of HOSTILE) {
  test(`${pattern} matches a hostile path of ${path.length} characters in a short time`, (t) => {
    const compiled = compile(pattern);
    const startedAt = performance.now();

    t.is(take(compiled, path), undefined);
    t.true(performance.now() - startedAt < SOON_MS);
  });
}

test('groups that do not compete match a path of any length', (t) => {
  const long = 'x'.repeat(30_000);

  t.deepEqual(take(compile('/:lang/*'), `/en/${long}`), { lang: 'en', 0: long });
  t.deepEqual(take(compile('/a/:id.html'), `/a/${long}.html`), { id: long });
  t.deepEqual(take(compile('/:a-:b/:c'), `/1-2/${'x'.repeat(4000)}`), { a: '1', b: '2', c: 'x'.repeat(4000) });
});

function compile(path: string): Pattern {
  const pattern = toPattern(path);
  if (typeof pattern === 'string') throw new Error(pattern);
  return pattern;
}

/** Matches through the router, so that the segments must match too. */
function take(pattern: Pattern, target: string, plain = true): Params | undefined {
  const [candidate] = createRouter([route('/x', { pattern })]).find('GET', target);
  return plain && candidate ? { ...candidate.params } : candidate?.params;
}

function referenceOf(pathname: string): URLPattern | undefined {
  try {
    return new URLPattern({ pathname });
  } catch {
    // Invalid patterns are not compared.
    return undefined;
  }
}

/** The slash at the end is tried only if the path does not match without it. */
function groupsOf(pattern: URLPattern, target: string): Params | undefined {
  const pathname = target.length > 1 && target.endsWith('/') ? target.slice(0, -1) : target;
  const found = pattern.exec({ pathname }) ?? (pathname === target ? null : pattern.exec({ pathname: target }));
  if (!found) return undefined;
  return Object.fromEntries(
    Object.entries(found.pathname.groups).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

type Random = (below: number) => number;

/** Mulberry32: the same pseudo-random numbers each time. */
function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const PIECES = [
  ...[
    'a',
    'b',
    'ab',
    'a-b',
    'x.y',
    ':n',
    ':m',
    '*',
    '(\\d+)',
    '([ab]+)',
    '(a|b)',
    ':k(\\d*)',
    '{a}?',
    '{/b}?',
    '{:p-}?',
  ],
  ...[':o?', ':r*', ':s+', '{/:q}?', '{x:t}', 'a:u', ':v.:w', '(.*)', '{a/b}'],
];

/** Never with a slash at its end, which is ours, nor a literal by the platform's rule, which no pattern is made of. */
function randomPattern(random: Random): string {
  const count = 1 + random(3);
  const pieces = Array.from({ length: count }, () => (random(4) > 0 ? '/' : '') + PIECES[random(PIECES.length)]);
  return `/g${pieces.join('')}/*`.slice(0, random(2) ? undefined : -2) + (random(2) ? '{/z}?' : '{z}?');
}

const WORDS = ['a', 'b', 'ab', 'a-b', 'x.y', '1', '12', 'a1', 'z', 'xa', 'x-', 'ab.b', 'aa'];

function randomPath(random: Random, pattern: string): string {
  const depth = random(5);
  const near = random(2) ? pattern.replace(/[{(].*|[:*?+].*/s, '').replace(/\/$/, '') : '/g';
  const words = Array.from({ length: depth }, () => (random(6) > 0 ? '/' : '') + WORDS[random(WORDS.length)]);
  return near + words.join('') + (random(4) > 0 ? '' : '/');
}
