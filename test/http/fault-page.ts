import test from 'ava';
import { Fault } from '../../src/fault.ts';
import { toFaultPage } from '../../src/http/fault-page.ts';

const FAULT = new Fault('hop_unreachable', { message: 'secret words', cause: new Error('secret cause') });

test('a page as text says status, code and request id', (t) => {
  t.deepEqual(toFaultPage(FAULT, 'id-1', ''), {
    contentType: 'text/plain; charset=utf-8',
    body: '502 Bad Gateway\ncode: hop_unreachable\nrequest id: id-1\n',
  });
});

test('a page as JSON says status, code and request id', (t) => {
  const { contentType, body } = toFaultPage(FAULT, 'id-1', 'application/json');

  t.is(contentType, 'application/json');
  t.deepEqual(JSON.parse(body), { status: 502, code: 'hop_unreachable', requestId: 'id-1' });
});

test("a page as HTML says status, code and request id, and takes nothing of the client's as markup", (t) => {
  const { contentType, body } = toFaultPage(FAULT, `<b>'"&`, 'text/html');

  t.is(contentType, 'text/html; charset=utf-8');
  t.true(body.includes('<h1>502 Bad Gateway</h1>\n<p>Code: <code>hop_unreachable</code></p>'));
  t.true(body.includes('<code>&#60;b&#62;&#39;&#34;&#38;</code>'));
});

for (const accept of ['', '*/*']) {
  test(`what a function got wrong is told as JSON to whoever does not mind (Accept: ${accept})`, (t) => {
    t.is(toFaultPage(new Fault('function_error'), 'id-1', accept).contentType, 'application/json');
  });
}

test('a browser sees a page of what a function got wrong, too', (t) => {
  const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

  t.is(toFaultPage(new Fault('function_error'), 'id-1', accept).contentType, 'text/html; charset=utf-8');
});

for (const accept of ['', 'application/json', 'text/html']) {
  test(`no page says what went wrong inside (Accept: ${accept})`, (t) => {
    t.notRegex(toFaultPage(FAULT, 'id-1', accept).body, /secret|fault-page/);
  });

  test(`without a request id none is spoken of (Accept: ${accept})`, (t) => {
    t.notRegex(toFaultPage(FAULT, '', accept).body, /request/i);
  });
}

test('a status without a name is an error', (t) => {
  t.regex(toFaultPage(new Fault('function_error', { status: 546 }), '', 'text/plain').body, /^546 Error\n/);
});
