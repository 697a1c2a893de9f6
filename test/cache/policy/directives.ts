import test from 'ava';
import { type Directives, readCacheControl, readTargeted } from '../../../src/cache/policy/directives.ts';

/** Those that are set. */
function shown(directives: Directives | undefined): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(directives ?? {}).filter(([, value]) => value !== false && value !== undefined),
  );
}

const CACHE_CONTROL: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'public, max-age=60': { public: true, maxAge: 60 },
  'No-StOrE, MAX-AGE=60': { noStore: true, maxAge: 60 },
  'PRIVATE="x-a, x-b", s-maxage=60': { private: true, sMaxAge: 60 },
  'max-age="3600"': { maxAge: 3600 },
  'max-age=003600': { maxAge: 3600 },
  'max-age =3600': {},
  'max-age= 3600': {},
  "max-age='3600'": {},
  'max-age=3600a': {},
  'max-age=-1': {},
  'max-age=60.5': {},
  'max-age=1800, max-age=1': { maxAge: 1 },
  'max-age=1, max-age=1800': { maxAge: 1 },
  'max-age=x, max-age=1800': { maxAge: 0 },
  'max-age=99999999999': { maxAge: 2 ** 31 },
  'extension="max-age=3600", max-age=1': { maxAge: 1 },
  'max-age=1, extension="no-store, \\", private"': { maxAge: 1 },
  'extension="a, no-store': { noStore: true },
  'no-cache': { noCache: true },
  'no-cache="set-cookie", max-age=5': { maxAge: 5 },
  'no-cache="set-cookie", no-cache': { noCache: true },
  'no-cache, no-cache=5': { noCache: true },
  'no-store foo': { noStore: true },
  'proxy-revalidate,must-revalidate, stale-while-revalidate=9, stale-if-error=8': {
    ...{ mustRevalidate: true, staleWhileRevalidate: 9, staleIfError: 8 },
  },
  ',, ,max-age=2,': { maxAge: 2 },
};

for (const [field, expected] of Object.entries(CACHE_CONTROL)) {
  test(`Cache-Control: ${field} is read`, (t) => {
    t.deepEqual(shown(readCacheControl(field)), expected);
  });
}

const TARGETED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'public, durable, s-maxage=31536000, stale-while-revalidate=60': {
    ...{ public: true, durable: true, sMaxAge: 31_536_000, staleWhileRevalidate: 60 },
  },
  'max-age="10"': {},
  'max-age=-10': {},
  'no-store="x", private=5': { noStore: true, private: true },
  'foobar, max-age=3600': { maxAge: 3600 },
};

for (const [field, expected] of Object.entries(TARGETED)) {
  test(`CDN-Cache-Control: ${field} is read`, (t) => {
    const directives = readTargeted(field);

    t.truthy(directives);
    t.deepEqual(shown(directives), expected);
  });
}

for (const field of ['', 'max-age=10, &', 'No-Store']) {
  test(`CDN-Cache-Control: ${JSON.stringify(field)} counts as absent`, (t) => {
    t.is(readTargeted(field), undefined);
  });
}

test('a long Cache-Control with quotes is read in linear time', (t) => {
  t.deepEqual(shown(readCacheControl(`${'a"'.repeat(50_000)}b, max-age=4`)), { maxAge: 4 });
});
