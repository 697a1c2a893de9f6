import test from 'ava';
import { toMatchable } from '../../src/site/path.ts';

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
];

for (const [target, segments] of MATCHABLE) {
  test(`${target} is matched as ${JSON.stringify(segments)}`, (t) => {
    const path = toMatchable(target);

    t.deepEqual(path?.segments, segments);
    t.is(path?.text, `/${segments.join('/')}`);
  });
}

const UNMATCHABLE: Readonly<Record<string, readonly string[]>> = {
  'an encoded slash': ['/a%2fb', '/a%2Fb', '/%2f', '/%2F/'],
  'a backslash': ['/a\\b', '/\\', '/a%5cb', '/a%5Cb', '/..\\x'],
  NUL: ['/a%00', '/%00/b', '/a\0'],
  'a dot segment': ['/.', '/..', '/./a', '/../a', '/a/.', '/a/..', '/a/./b', '/a/../b', '/a/../', '/a/..?x', '/..//'],
  'an encoded dot segment': ['/%2e', '/%2E%2e', '/a/%2e%2e/b', '/a/.%2e', '/a/%2e.', '/a/%2E/', '/%2e%2E?x'],
  'a malformed escape': ['/%zz', '/a%', '/a%2', '/%/b', '/%u0041', '/%2 0'],
  'invalid UTF-8': ['/%ff', '/%c0%af', '/%e4%bd', '/%ed%a0%80', '/%f4%90%80%80', '/%80'],
  'no leading slash': ['', '*', 'a', '?', '?/a', 'http://host/a', 'host:443', ' /a'],
  'a fragment': ['/#', '/a#b', '/a?x#y', '#/a'],
  'raw bytes that are no printable ASCII': ['/a b', '/a\tb', '/\x7f', '/\xe4\xbd\xa0', '/你', '/\ud800'],
  'nothing but two slashes': ['//', '//?x'],
};

for (const [flaw, targets] of Object.entries(UNMATCHABLE)) {
  test(`a path with ${flaw} is never matched`, (t) => {
    for (const target of targets) t.is(toMatchable(target), undefined, JSON.stringify(target));
  });
}

test('raw segments stay as the client sent them', (t) => {
  t.deepEqual(toMatchable('/a%2Db/%E4%BD%A0//c/?x')?.rawSegments, ['a%2Db', '%E4%BD%A0', '', 'c']);
  t.deepEqual(toMatchable('/a/b')?.rawSegments, ['a', 'b']);
});

test('a single byte in any place, raw or encoded, throws nothing', (t) => {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const spellings = bytes.flatMap((byte) => [String.fromCharCode(byte), `%${byte.toString(16).padStart(2, '0')}`]);

  for (const spelling of spellings) {
    for (const target of [spelling, `/${spelling}`, `/a${spelling}b/c`, `/a/${spelling}/c`, `/a?${spelling}`]) {
      t.notThrows(() => toMatchable(target)?.rawSegments, JSON.stringify(target));
    }
  }
});
