import test from 'ava';
import type { FaultPage } from '../../src/contract/fault.ts';
import { Fault } from '../../src/contract/fault.ts';
import { toFaultPage } from '../../src/http/fault-page.ts';

const FAULT = new Fault('hop_unreachable', { message: 'secret words', cause: new Error('secret cause') });

test('a page as text has status, code and request id', (t) => {
  t.deepEqual(page(FAULT, 'id-1', ''), {
    contentType: 'text/plain; charset=utf-8',
    body: '502 Bad Gateway\ncode: hop_unreachable\nrequest id: id-1\n',
  });
});

test('a page as JSON has status, code and request id', (t) => {
  const { contentType, body } = page(FAULT, 'id-1', 'application/json');

  t.is(contentType, 'application/json');
  t.deepEqual(JSON.parse(body), { status: 502, code: 'hop_unreachable', requestId: 'id-1' });
});

test('a page as problem details has a type, which is registered for a rate limit', (t) => {
  const limited = page(new Fault('rate_limited', { clientMessage: 'wait' }), 'id-1', 'application/problem+json');

  t.is(limited.contentType, 'application/problem+json');
  t.deepEqual(JSON.parse(limited.body), {
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Too Many Requests',
    status: 429,
    code: 'rate_limited',
    requestId: 'id-1',
    detail: 'wait',
  });
  t.is(JSON.parse(page(FAULT, '', 'application/problem+json').body).type, 'about:blank');
});

test('a page as HTML has status, code and request id, and escapes what the client sent', (t) => {
  const { contentType, body } = page(FAULT, `<b>'"&`, 'text/html');

  t.is(contentType, 'text/html; charset=utf-8');
  t.true(body.includes('<h1>502 Bad Gateway</h1>\n<p>Code: <code>hop_unreachable</code></p>'));
  t.true(body.includes('<code>&#60;b&#62;&#39;&#34;&#38;</code>'));
});

for (const accept of ['', '*/*']) {
  test(`a fault of a function is JSON for a client without a preference (Accept: ${accept})`, (t) => {
    t.is(page(new Fault('function_error'), 'id-1', accept).contentType, 'application/json');
  });
}

test('a browser gets an HTML page for a fault of a function', (t) => {
  const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

  t.is(page(new Fault('function_error'), 'id-1', accept).contentType, 'text/html; charset=utf-8');
});

for (const accept of ['', 'application/json', 'application/problem+json', 'text/html']) {
  test(`no page has internal details (Accept: ${accept})`, (t) => {
    t.notRegex(page(FAULT, 'id-1', accept).body, /secret|fault-page/);
  });

  test(`the page of a request without an id has no request id (Accept: ${accept})`, (t) => {
    t.notRegex(page(FAULT, '', accept).body, /request/i);
  });
}

test('a status without a standard reason phrase has the title Error', (t) => {
  t.regex(page(new Fault('function_error', { status: 546 }), '', 'text/plain').body, /^546 Error\n/);
});

const HOSTILE = new Error('<script>alert("&")</script>');

test('in development the page shows the error of a function as text, JSON and escaped HTML', (t) => {
  const fault = new Fault('function_error', { message: 'a.js threw', cause: HOSTILE });

  const text = page(fault, 'id-1', 'text/plain', true);
  t.true(
    text.body.startsWith(
      '500 Internal Server Error\ncode: function_error\nrequest id: id-1\n\na.js threw\nError: <script>',
    ),
  );
  t.regex(text.body, /\n {4}at .*fault-page\.ts:\d+/);

  const json = JSON.parse(page(fault, 'id-1', 'application/json', true).body);
  t.deepEqual(Object.keys(json), ['status', 'code', 'requestId', 'message', 'cause']);
  t.is(json.message, 'a.js threw');
  t.true(json.cause.startsWith(`Error: ${HOSTILE.message}\n    at `));

  const html = page(fault, 'id-1', 'text/html', true);
  t.true(html.body.includes('<pre>a.js threw\nError: &#60;script&#62;alert(&#34;&#38;&#34;)&#60;/script&#62;'));
  t.false(html.body.includes('<script>'));
});

for (const [what, cause] of [
  ['a string', 'secret words'],
  ['nothing', undefined],
  ['null', null],
  ['an object without a prototype', Object.create(null)],
  ['an error whose properties throw', failing()],
] as const) {
  test(`in development there is a page for a function that threw ${what}`, (t) => {
    const { body } = page(new Fault('function_error', { message: 'a.js threw', cause }), '', 'text/plain', true);

    t.regex(body, /\n\na\.js threw\n/);
  });
}

test('in development the page shows no details of other faults', (t) => {
  for (const accept of ['text/plain', 'text/html', 'application/json']) {
    t.notRegex(page(FAULT, 'id-1', accept, true).body, /secret/);
  }
});

function failing(): Error {
  const error = new Error('odd');
  Object.defineProperty(error, Symbol.for('nodejs.util.inspect.custom'), {
    value: () => {
      throw new Error('no');
    },
  });
  return error;
}

function page(fault: Fault, requestId: string, accept: string, dev = false): FaultPage {
  return toFaultPage(fault, { requestId, accept, dev });
}

test('the page of a fault replaces the default one, but not in development', (t) => {
  const page = { contentType: 'text/html; charset=utf-8', body: '<h1>Sorry</h1>' };
  const fault = new Fault('function_error', { message: 'it broke', page });

  t.is(toFaultPage(fault, { requestId: 'id', accept: 'application/json', dev: false }), page);
  t.regex(toFaultPage(fault, { requestId: 'id', accept: 'text/plain', dev: true }).body, /it broke/);
});
