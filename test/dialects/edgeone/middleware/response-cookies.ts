import test from 'ava';
import { ResponseCookies } from '../../../../src/dialects/edgeone/middleware/response-cookies.ts';

test('each cookie is a Set-Cookie field of its own; one of the same name is replaced', (t) => {
  const headers = new Headers([['set-cookie', 'old=1; Path=/x']]);
  const cookies = new ResponseCookies(headers);

  cookies.set('a', 'ü;', { maxAge: 60, httpOnly: true, secure: true, sameSite: 'Lax', domain: 'a.example' });
  cookies.set({ name: 'b', value: '2', path: '/b', expires: 0 }).set('b', '3', { sameSite: true });

  t.deepEqual(headers.getSetCookie(), [
    'old=1; Path=/x',
    'a=%C3%BC%3B; Path=/; Domain=a.example; Max-Age=60; Secure; HttpOnly; SameSite=Lax',
    'b=3; Path=/; SameSite=Strict',
  ]);
});

test('cookies that are set can be looked at, also those that were written by hand', (t) => {
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

test('a deleted cookie is one that has expired, in the same place', (t) => {
  const headers = new Headers();

  new ResponseCookies(headers).set('a', '1').delete('a', { path: '/x', domain: 'a.example' });

  t.deepEqual(headers.getSetCookie(), ['a=; Path=/x; Domain=a.example; Expires=Thu, 01 Jan 1970 00:00:00 GMT']);
});
