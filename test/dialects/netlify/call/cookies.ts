import test from 'ava';
import { type Cookie, CookieJar, type Cookies } from '../../../../src/dialects/netlify/call/cookies.ts';
import { serveFunction } from '../../../helpers/function-server.ts';

/** The `Set-Cookie` values after `change` has used the cookies. */
function fieldsAfter(change: (cookies: Cookies) => void): string[] {
  const jar = new CookieJar(() => []);
  change(jar.cookies);
  return jar.toSetCookieValues();
}

test('a cookie of the request is returned unchanged: not decoded, with any "=" in it', (t) => {
  const { get } = new CookieJar(() => ['Host', 'a', 'Cookie', 'a=1%20; b=x=y==;c="q"; empty=; flag', 'cookie', 'd=4'])
    .cookies;

  t.deepEqual(['a', 'b', 'c', 'empty', 'd'].map(get), ['1%20', 'x=y==', '"q"', '', '4']);
  t.is(get('flag'), undefined);
  t.is(get('__proto__'), undefined);
  t.is(new CookieJar(() => ['cookie', 'a=1; a=2']).cookies.get('a'), '2');
});

test('get does not return cookies that set has added', (t) => {
  const { cookies } = new CookieJar(() => ['cookie', 'a=1']);

  cookies.set('a', '2');
  cookies.delete('a');

  t.is(cookies.get('a'), '1');
});

test('the functions work without this, and JSON omits them', (t) => {
  const jar = new CookieJar(() => []);
  const { set } = jar.cookies;

  set('a', '1');

  t.deepEqual(jar.toSetCookieValues(), ['a=1']);
  t.is(JSON.stringify(jar.cookies), '{}');
});

const SERIALIZED: readonly (readonly [Cookie, string])[] = [
  [{ name: 'a', value: '' }, 'a='],
  [{ name: 'a', value: 'x=%20' }, 'a=x=%20'],
  [{ name: 'a', value: '1', maxAge: 0 }, 'a=1; Max-Age=0'],
  [{ name: 'a', value: '1', expires: 0 }, 'a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT'],
  [{ name: 'a', value: '1', expires: new Date(86_400_000) }, 'a=1; Expires=Fri, 02 Jan 1970 00:00:00 GMT'],
  [{ name: 'a', value: '1', secure: false, httpOnly: false }, 'a=1'],
  [{ name: '__Secure-a', value: '1', domain: 'b.example' }, '__Secure-a=1; Secure; Domain=b.example'],
  [{ name: '__Host-a', value: '1', domain: 'b.example', path: '/x' }, '__Host-a=1; Secure; Path=/'],
  [
    {
      ...{ name: 'a', value: '1', unparsed: ['Priority=High', 'Partitioned'], expires: 0, path: '/p', sameSite: 'Lax' },
      ...{ domain: 'b.example', maxAge: 60, httpOnly: true, secure: true },
    },
    'a=1; Secure; HttpOnly; Max-Age=60; Domain=b.example; SameSite=Lax; Path=/p; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Priority=High; Partitioned',
  ],
];

for (const [cookie, field] of SERIALIZED) {
  test(`${JSON.stringify(cookie)} is written as ${field}`, (t) => {
    t.deepEqual(
      fieldsAfter((cookies) => cookies.set(cookie)),
      [field],
    );
  });
}

test('a deleted cookie expires at once, on the given path or else on "/"', (t) => {
  const fields = fieldsAfter((cookies) => {
    cookies.delete('a');
    cookies.delete({ name: 'a', path: '/p', domain: 'b.example' });
  });

  t.deepEqual(fields, [
    'a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    'a=; Domain=b.example; Path=/p; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
  ]);
});

test('set throws for a value that is no string', (t) => {
  const { cookies } = new CookieJar(() => []);
  const message = "You must provide the cookie value as a string to 'cookies.set'";

  t.throws(() => cookies.set('a', 1 as unknown as string), { instanceOf: TypeError, message });
  t.throws(() => cookies.set('a', undefined as unknown as string), { message });
  t.throws(() => cookies.set({ name: 'a' } as Cookie), { message });
});

const UNFIT: readonly (readonly [what: string, cookie: Cookie])[] = [
  ...[' ', '"', ',', ';', '\\', '\n', '\x7f', 'é', '日'].map(
    (letter) => [`the value ${JSON.stringify(letter)}`, { name: 'a', value: letter }] as const,
  ),
  ['no name', { name: '', value: '1' }],
  ['a name with "="', { name: 'a=b', value: '1' }],
  ['a maxAge below 0', { name: 'a', value: '1', maxAge: -1 }],
  ['a maxAge in parts', { name: 'a', value: '1', maxAge: 1.5 }],
  ['a day that is none', { name: 'a', value: '1', expires: Number.NaN }],
  ['a path with ";"', { name: 'a', value: '1', path: '/; Domain=b' }],
  ['an attribute with a line break', { name: 'a', value: '1', unparsed: ['x\r\ny'] }],
];

for (const [what, cookie] of UNFIT) {
  test(`${what} is accepted by set, and refused when the response is created`, (t) => {
    const jar = new CookieJar(() => []);

    t.notThrows(() => jar.cookies.set(cookie));
    t.throws(() => jar.toSetCookieValues(), { instanceOf: TypeError });
  });
}

const BODIES: Readonly<Record<string, string>> = {
  text: `new Response('x', { headers: { 'set-cookie': 'own=1' } })`,
  'a stream': `new Response(ReadableStream.from(['x']), { headers: { 'set-cookie': 'own=1' } })`,
  nothing: `new Response(null, { status: 302, headers: { 'set-cookie': 'own=1' } })`,
};

for (const [what, response] of Object.entries(BODIES)) {
  test(`cookies that are set follow those of a Response of ${what}, in order, and only in its own response`, async (t) => {
    const server = await serveFunction(
      t,
      `export default (request, { cookies, url }) => {
        if (url.search === '?set') { cookies.set('a', '1'); cookies.delete('a'); cookies.set({ name: 'b', value: '2' }); }
        return ${response};
      };`,
    );

    for (const [query, set] of [
      ['?set', ['own=1', 'a=1', 'a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'b=2']],
      ['', ['own=1']],
    ] as const) {
      const answer = await server.exchange(`GET /${query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);

      t.deepEqual(answer.match(/(?<=set-cookie: ).*(?=\r)/gi), [...set]);
      t.is(answer.split('\r\n\r\n')[1], what === 'nothing' ? '' : 'x');
    }
  });
}

test('a Response that a function reuses collects no cookies of clients', async (t) => {
  const server = await serveFunction(
    t,
    `const kept = new Response(null, { status: 204 });
     export default (request, { cookies, url }) => { cookies.set('who', url.pathname.slice(1)); return kept; };`,
  );

  for (const who of ['a', 'b']) {
    const answer = await server.exchange(`GET /${who} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);

    t.deepEqual(answer.match(/set-cookie: .*(?=\r)/g), [`set-cookie: who=${who}`]);
  }
});

test('cookies are added to a response of fetch, and do not add a content type to it', async (t) => {
  const server = await serveFunction(
    t,
    `export default async (request, { cookies, url }) => {
      cookies.set('a', '1');
      if (url.pathname === '/fetched') return fetch('data:text/css,x');
      const response = new Response('x');
      response.headers.delete('content-type');
      return response;
    };`,
  );

  const fetched = await server.exchange('GET /fetched HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const bare = await server.exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

  t.regex(fetched, /\r\ncontent-type: text\/css\r\nset-cookie: a=1\r\n/);
  t.regex(bare, /\r\nset-cookie: a=1\r\n/);
  t.notRegex(bare, /content-type/i);
});

test('an invalid cookie gets 500', async (t) => {
  const server = await serveFunction(
    t,
    `export default (request, { cookies }) => { cookies.set('a', 'b c'); return new Response('x'); };`,
  );

  const { status } = await fetch(server.url);

  t.is(status, 500);
  t.regex(String(server.faults[0]?.cause), /^TypeError: the value of the cookie "a" .*encodeURIComponent/);
});
