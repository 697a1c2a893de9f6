import test from 'ava';
import { ResponseCookies } from '../../../../src/dialects/edgeone/middleware/response-cookies.ts';

test('each cookie is a Set-Cookie header, and one with the same name is replaced', (t) => {
  const headers = new Headers([['set-cookie', 'old=1; Path=/x']]);
  const cookies = new ResponseCookies(headers);

  cookies.set('a', 'ü;', { maxAge: 60, httpOnly: true, secure: true, sameSite: 'Lax', domain: 'a.example' });
  cookies.set({ name: 'b', value: '2', path: '/b', expires: 0 }).set('b', '3', { sameSite: true });

  t.deepEqual(headers.getSetCookie(), [
    'old=1; Path=/x',
    'a=%C3%BC%3B; Max-Age=60; Domain=a.example; Path=/; HttpOnly; Secure; SameSite=Lax',
    'b=3; Path=/; SameSite=Strict',
  ]);
});

test('cookies can be read, also those of a Set-Cookie header that was written directly', (t) => {
  const cookies = new ResponseCookies(new Headers([['set-cookie', 'hand=50%; Secure']])).set('a', 'ü');

  t.deepEqual(cookies.get('a'), { name: 'a', value: 'ü' });
  t.deepEqual(cookies.getAll(), [
    { name: 'hand', value: '50%' },
    { name: 'a', value: 'ü' },
  ]);
  t.deepEqual(cookies.getAll('none'), []);
  t.true(cookies.has('hand'));
  t.false(cookies.has('none'));
});

test('a deleted cookie is one that has expired, with the same path and domain', (t) => {
  const headers = new Headers();

  new ResponseCookies(headers).set('a', '1').delete('a', { path: '/x', domain: 'a.example' });

  t.deepEqual(headers.getSetCookie(), ['a=; Domain=a.example; Path=/x; Expires=Thu, 01 Jan 1970 00:00:00 GMT']);
});

test('set throws for a cookie that no browser accepts', (t) => {
  const headers = new Headers();
  const cookies = new ResponseCookies(headers);

  t.throws(() => cookies.set('a b', '1'), { instanceOf: TypeError });
  t.throws(() => cookies.set('a', '1', { path: '/; Secure' }), { instanceOf: TypeError });
  t.throws(() => cookies.set('a', '1', { domain: 'a.example; HttpOnly' }), { instanceOf: TypeError });
  t.deepEqual(headers.getSetCookie(), []);
});
