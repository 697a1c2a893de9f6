import test from 'ava';
import { toMatchable } from '../../src/contract/path.ts';

const MATCHABLE: readonly (readonly [target: string, segments: readonly string[]])[] = [
  ['/', []],
  ['/?x=1', []],
  ['/api/users', ['api', 'users']],
  ['/api/users/', ['api', 'users']],
  ['/api/users?next=/a/../b%2f%00', ['api', 'users']],
  ['/api/users/?x', ['api', 'users']],
  ['/api?', ['api']],
  ['/api//users', ['api', '', 'users']],
  ['//api', ['', 'api']],
  ['/api//', ['api', '']],
  ['/a.b/..c/d../...', ['a.b', '..c', 'd..', '...']],
  ['/hello%2Dpages', ['hello-pages']],
  ['/%E4%BD%A0/%e5%a5%bd', ['你', '好']],
  ['/a%20b%3F%23%25', ['a b?#%']],
  ['/%252e%252e/%252f', ['%2e%2e', '%2f']],
  ["/!$&'()*+,;=:@-._~", ["!$&'()*+,;=:@-._~"]],
  ['/[id]/{x}|"^`<>', ['[id]', '{x}|"^`<>']],
  ['/__proto__/constructor', ['__proto__', 'constructor']],
  ['/a%252Fb', ['a%2Fb']],
];

for (const [target, segments] of MATCHABLE) {
  test(`${target} is matched as ${JSON.stringify(segments)}`, (t) => {
    const path = toMatchable(target);

    t.deepEqual(path?.segments, segments);
    t.is(path?.text, `/${segments.join('/')}`);
  });
}

const WITH_INNER_SLASHES: readonly (readonly [target: string, ...segments: string[]])[] = [
  ['/a%2Fb', 'a/b'],
  ['/a%2fb/%2F/c?x', 'a/b', '/', 'c'],
  ['/%2F%2Fhost/', '//host'],
  ['/a%2F', 'a/'],
];

for (const [target, ...segments] of WITH_INNER_SLASHES) {
  test(`an encoded slash is part of a segment: ${target} is matched as ${JSON.stringify(segments)}`, (t) => {
    const path = toMatchable(target);

    t.deepEqual(path?.segments, segments);
    t.true(path?.hasInnerSlash);
  });
}

test('an encoded slash is different from every other character', (t) => {
  const texts = ['/a%2Fb', '/a/b', '/a%252Fb', '/ab'].map((target) => toMatchable(target)?.text);

  t.is(new Set(texts).size, 4);
  t.false(toMatchable('/a%252Fb')?.hasInnerSlash);
});

const UNMATCHABLE: Readonly<Record<string, readonly string[]>> = {
  'a backslash': ['/a\\b', '/\\', '/a%5cb', '/a%5Cb', '/..\\x'],
  NUL: ['/a%00', '/%00/b', '/a\0'],
  'a dot segment': ['/.', '/..', '/./a', '/../a', '/a/.', '/a/..', '/a/./b', '/a/../b', '/a/../', '/a/..?x', '/..//'],
  'a dot segment at an encoded slash': [
    '/a/..%2f..%2fb',
    '/a%2F.',
    '/..%2F',
    '/%2E%2e%2Fa',
    '/a%2F%2e%2Fb',
    '/a/..%2f',
  ],
  'an encoded dot segment': ['/%2e', '/%2E%2e', '/a/%2e%2e/b', '/a/.%2e', '/a/%2e.', '/a/%2E/', '/%2e%2E?x'],
  'a malformed escape': ['/%zz', '/a%', '/a%2', '/%/b', '/%u0041', '/%2 0'],
  'invalid UTF-8': ['/%ff', '/%c0%af', '/%e4%bd', '/%ed%a0%80', '/%f4%90%80%80', '/%80'],
  'no leading slash': ['', '*', 'a', '?', '?/a', 'http://host/a', 'host:443', ' /a'],
  'a fragment': ['/#', '/a#b', '/a?x#y', '#/a'],
  'bytes outside of printable ASCII': ['/a b', '/a\tb', '/\x7f', '/\xe4\xbd\xa0', '/你', '/\ud800'],
  'only two slashes': ['//', '//?x'],
};

for (const [flaw, targets] of Object.entries(UNMATCHABLE)) {
  test(`a path with ${flaw} matches no route`, (t) => {
    for (const target of targets) t.is(toMatchable(target), undefined, JSON.stringify(target));
  });
}

test('raw segments stay unchanged', (t) => {
  t.deepEqual(toMatchable('/a%2Db/%E4%BD%A0//c/?x')?.rawSegments, ['a%2Db', '%E4%BD%A0', '', 'c']);
  t.deepEqual(toMatchable('/a/b')?.rawSegments, ['a', 'b']);
  t.deepEqual(toMatchable('/a%2Fb/%2f')?.rawSegments, ['a%2Fb', '%2f']);
});

test('no byte throws, at any position, raw or encoded', (t) => {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const spellings = bytes.flatMap((byte) => [String.fromCharCode(byte), `%${byte.toString(16).padStart(2, '0')}`]);

  for (const spelling of spellings) {
    for (const target of [spelling, `/${spelling}`, `/a${spelling}b/c`, `/a/${spelling}/c`, `/a?${spelling}`]) {
      t.notThrows(() => toMatchable(target)?.rawSegments, JSON.stringify(target));
    }
  }
});
