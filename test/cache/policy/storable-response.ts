import test from 'ava';
import { findRefusal, readStorable } from '../../../src/cache/policy/storable-response.ts';
import type { CacheRule } from '../../../src/contract/cache.ts';

const ALL: CacheRule = { fields: 'all', names: 'netlify' };
const TARGETED: CacheRule = { fields: 'targeted', names: 'nexthop' };
const HOP: CacheRule = { ...ALL, isOrigin: true };

/** A head as lines of text. */
function head(...lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
}

const FRESH = 'Cache-Control: public, max-age=60';

const REFUSED: readonly (readonly [reason: string, lines: readonly string[], status?: number, rule?: CacheRule])[] = [
  ['no-lifetime', []],
  ['no-lifetime', ['Cache-Control: public']],
  ['no-lifetime', ['Cache-Control: max-age=0']],
  ['no-lifetime', [FRESH], 200, TARGETED],
  ['no-lifetime', ['CDN-Cache-Control: durable', FRESH]],
  ['no-lifetime', ['Expires: Thu, 18 Aug 2050 02:01:18 GMT']],
  ['no-lifetime', ['Expires: 0'], 200, HOP],
  ['no-lifetime', ['Expires: Thu, 18 Aug 2050 02:01:18 GMT', 'Cache-Control: public'], 200, HOP],
  ['no-store', ['Cache-Control: max-age=60, no-store']],
  ['status', [FRESH], 400, HOP],
  ['status', [FRESH], 206, HOP],
  ['status', [FRESH], 406, HOP],
  ['status', [FRESH], 503, HOP],
  ['status', [FRESH], 451],
  ['no-store', ['CDN-Cache-Control: no-store', FRESH]],
  ['private', ['Netlify-CDN-Cache-Control: private', 'CDN-Cache-Control: max-age=5', FRESH]],
  ['no-cache', ['Cache-Control: max-age=60, no-cache', 'ETag: "a"']],
  ['no-cache', ['Cache-Control: max-age=60, no-cache'], 200, HOP],
  ['set-cookie', [FRESH, 'Set-Cookie: a=b']],
  ['set-cookie', ['Netlify-CDN-Cache-Control: public, max-age=60', 'set-cookie: a=b']],
  ['event-stream', [FRESH, 'Content-Type: text/event-stream; charset=utf-8']],
  ['vary', [FRESH, 'Vary: *']],
  ['vary', [FRESH, 'Vary: Accept', 'Vary: X, *']],
  ['vary', [FRESH, 'Vary: a,b,c,d,e,f,g,h,i,j,k']],
  ['netlify-vary', [FRESH, 'Netlify-Vary: device']],
  ['netlify-vary', [FRESH, 'Netlify-Vary: header=User-Agent']],
  ...[206, 304, 400, 401, 403, 405, 500, 502, 503, 599, 201].map((status) => ['status', [FRESH], status] as const),
];

for (const [reason, lines, status = 200, rule = ALL] of REFUSED) {
  test(`a ${status} with ${lines.join(' and ') || 'no field'} is not stored (${rule.isOrigin ? 'origin' : rule.fields}): ${reason}`, (t) => {
    t.is(readStorable(status, head(...lines), rule), reason as never);
  });
}

const STORED: readonly (readonly [seconds: number, lines: readonly string[], status?: number, rule?: CacheRule])[] = [
  [60, [FRESH]],
  ...[203, 204, 299, 301, 303, 302, 307, 308, 404, 410].map((status) => [60, [FRESH], status] as const),
  [60, [FRESH], 451, HOP],
  [5, ['Netlify-CDN-Cache-Control: max-age=5', 'CDN-Cache-Control: max-age=6', FRESH]],
  [6, ['Netlify-CDN-Cache-Control: max-age=5, &', 'CDN-Cache-Control: max-age=6', FRESH]],
  [7, ['Cache-Control: no-store', 'CDN-Cache-Control: max-age=7']],
  [8, ['Cache-Control: max-age=60, s-maxage=8']],
  [60, [FRESH, 'Expires: 0'], 200, HOP],
  [0, ['Cache-Control: max-age=0, stale-while-revalidate=60']],
  [3600, ['Expires: Thu, 18 Aug 2050 02:01:18 GMT', 'Date: Thu, 18 Aug 2050 01:01:18 GMT'], 200, HOP],
  [0, ['Cache-Control: max-age=60, no-cache', 'ETag: "a"'], 200, HOP],
  [60, ['Cache-Control: max-age=60, no-store, must-understand']],
  [9, ['CDN-Cache-Control: max-age=9', 'Cache-Control: private'], 200, TARGETED],
];

for (const [seconds, lines, status = 200, rule = ALL] of STORED) {
  test(`a ${status} with ${lines.join(' and ')} is stored for ${seconds} s (${rule.isOrigin ? 'origin' : rule.fields})`, (t) => {
    const storable = readStorable(status, head(...lines), rule);

    t.is(typeof storable === 'object' ? storable.lifetimeMs : storable, seconds * 1000);
  });
}

for (const [age, seconds] of Object.entries({
  '5': 5,
  '7200, 0': 7200,
  '0, 7200': 0,
  abc: 0,
  '-3': 0,
  '7.0': 0,
  '99999999999': 2 ** 31,
})) {
  test(`a response with Age: ${age} is ${seconds} s old`, (t) => {
    const storable = readStorable(200, head(FRESH, `Age: ${age}`), ALL);

    t.is(typeof storable === 'object' ? storable.ageMs : storable, seconds * 1000);
  });
}

test('s-maxage allows stale responses while they are revalidated, and must-revalidate forbids them', (t) => {
  const swr = 's-maxage=60, stale-while-revalidate=30, stale-if-error=20';
  const read = (field: string) => readStorable(200, head(`Cache-Control: ${field}`), ALL);

  t.like(read(swr), { staleWhileRevalidateMs: 30_000, staleIfErrorMs: 20_000 });
  t.like(read(`${swr}, must-revalidate`), { staleWhileRevalidateMs: 0, staleIfErrorMs: 0 });
  t.like(read(`${swr}, proxy-revalidate`), { staleWhileRevalidateMs: 0, staleIfErrorMs: 0 });
});

test('tags are lower case and unique, Netlify-Cache-Tag hides Cache-Tag, and custom ids are tags', (t) => {
  const storable = readStorable(
    200,
    head(FRESH, 'Cache-Tag: x', 'Netlify-Cache-Tag: News, a,,news', 'Netlify-Cache-ID: Home'),
    ALL,
  );

  t.like(storable, { tags: ['home', 'news', 'a'], customId: 'home' });
});

for (const [headers, field, refusal] of [
  [{}, 'max-age=60', undefined],
  [{ authorization: 'x' }, 'max-age=60', 'authorization'],
  [{ authorization: 'x' }, 'public, max-age=60', undefined],
  [{ authorization: 'x' }, 's-maxage=60', undefined],
  [{ authorization: 'x' }, 'max-age=60, must-revalidate', undefined],
  [{ 'cache-control': 'no-cache' }, 'max-age=60', undefined],
  [{ 'cache-control': 'max-age=0, No-Store' }, 'max-age=60', 'request-no-store'],
  [{ 'cache-control': 'x-no-store' }, 'max-age=60', undefined],
] as const) {
  test(`a GET with ${JSON.stringify(headers)}: ${field} is ${refusal ? `refused: ${refusal}` : 'stored'}`, (t) => {
    const storable = readStorable(200, head(`Cache-Control: ${field}`), ALL);
    const get = (name: string) => (headers as Record<string, string>)[name];

    t.is(typeof storable === 'object' ? findRefusal({ method: 'GET', get }, storable) : storable, refusal);
  });
}
