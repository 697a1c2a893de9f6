import test from 'ava';
import { serveFunction } from '../../helpers/function-server.ts';

const GET = 'GET /a HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n';

const ANSWERS: Readonly<Record<string, readonly [text: string, answer: RegExp]>> = {
  'a Response from a promise': [
    `export default async () => new Response('hi', { status: 201, headers: { 'X-A': '1' } });`,
    /^HTTP\/1\.1 201 Created\r\ncontent-type: text\/plain;charset=UTF-8\r\nx-a: 1\r\n.*\r\n\r\nhi$/s,
  ],
  'a Response without a promise': [`export default () => new Response('hi');`, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nhi$/s],
  'what fetch returned': [`export default () => fetch('data:text/plain,hi');`, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nhi$/s],
  'a Response of a class of its own': [
    `class Mine extends Response {} export default () => new Mine('hi');`,
    /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nhi$/s,
  ],
  nothing: [`export default () => {};`, /^HTTP\/1\.1 204 No Content\r\n(?!.*Content-Length).*\r\n\r\n$/s],
  'a promise of nothing': [`export default async () => {};`, /^HTTP\/1\.1 204 /],
  'nothing, and cookies that are lost': [
    `export default (_, { cookies }) => { cookies.set('a', '1'); };`,
    /^HTTP\/1\.1 204 (?!.*set-cookie)/s,
  ],
  'a Response of 204': [`export default () => new Response(null, { status: 204 });`, /^HTTP\/1\.1 204 /],
  'a Response of 304': [`export default () => new Response(null, { status: 304 });`, /^HTTP\/1\.1 304 /],
  'an empty text': [
    `export default () => new Response('');`,
    /^HTTP\/1\.1 200 OK\r\n.*Content-Length: 0\r\n.*\r\n\r\n$/s,
  ],
  'a redirect to a whole URL': [
    `export default () => Response.redirect('https://b.example/');`,
    /^HTTP\/1\.1 302 Found\r\nlocation: https:\/\/b\.example\/\r\n/,
  ],
  'a Response with a reason phrase, which is dropped': [
    `export default () => new Response('', { statusText: 'Mine' });`,
    /^HTTP\/1\.1 200 OK\r\n/,
  ],
  'a stream, which gets no content type': [
    `export default () => new Response(ReadableStream.from(['a', 'b']));`,
    /^HTTP\/1\.1 200 OK\r\n(?!.*content-type)/is,
  ],
  'bytes that are compressed already': [
    `export default () => new Response(Uint8Array.of(11, 1, 128, 97, 3), { headers: { 'content-encoding': 'br' } });`,
    /\r\ncontent-encoding: br\r\n.*\r\n\r\n\x0b\x01\x80a\x03$/s,
  ],
  'an object with fetch, of which it is a method': [
    `class App { word = 'mine'; fetch(request, { requestId }) { return new Response(this.word + requestId.length); } }
     export default new App();`,
    /\r\n\r\nmine26$/,
  ],
  'an object with handlers of events, whose fetch is called': [
    `export default { deployBuilding() {}, fetch: () => new Response('fetched') };`,
    /\r\n\r\nfetched$/,
  ],
  'a function that a compiler left under default twice': [
    `export default { default: () => new Response('twice') };`,
    /\r\n\r\ntwice$/,
  ],
};

for (const [what, [text, expected]] of Object.entries(ANSWERS)) {
  test(`a function returns: ${what}`, async (t) => {
    const server = await serveFunction(t, text);

    const answer = await server.exchange(GET);

    t.regex(answer, expected);
    t.deepEqual(server.faults, []);
    t.regex(answer, /\r\nx-nf-request-id: [0-9A-Z]{26}\r\n/);
  });
}

test('each cookie is a header of its own, and other repeated headers are joined', async (t) => {
  const server = await serveFunction(
    t,
    `export default () => {
      const headers = new Headers([['set-cookie', 'a=1'], ['x-a', '1'], ['set-cookie', 'b=2'], ['x-a', '2']]);
      return new Response('', { headers });
    };`,
  );

  const answer = await server.exchange(GET);

  t.deepEqual(answer.match(/(?:set-cookie|x-a): .*(?=\r)/g), ['set-cookie: a=1', 'set-cookie: b=2', 'x-a: 1, 2']);
});

const UNSUPPORTED: Readonly<Record<string, string>> = {
  null: 'null',
  'a string': `'text'`,
  'a number': '7',
  'an object': '({ status: 200 })',
  'an array': '[]',
  'something like a Response': `({ status: 200, headers: new Headers(), body: null, bodyUsed: false, arrayBuffer() {}, text() {} })`,
  'a Response of the undici package': `import('undici').then(({ Response }) => new Response('x'))`,
  'a Response of another realm': `import('node:vm').then((vm) => vm.runInNewContext('new (class Response {})()'))`,
};

for (const [what, value] of Object.entries(UNSUPPORTED)) {
  test(`a function that returns ${what} is a bad response, with the platform's message`, async (t) => {
    const server = await serveFunction(t, `export default () => ${value};`);

    const answer = await server.exchange(GET);

    t.regex(answer, /^HTTP\/1\.1 500 .*function_bad_answer/s);
    t.is(
      String(server.faults[0]?.cause),
      "NetlifyUserError: Function returned an unsupported value. Accepted types are 'Response' or 'undefined'",
    );
  });
}

const FAILURES: Readonly<Record<string, readonly [text: string, cause: RegExp]>> = {
  'throws an Error': [`export default () => { throw new Error('mine'); };`, /^Error: mine$/],
  'rejects with an Error': [`export default async () => { throw new RangeError('mine'); };`, /^RangeError: mine$/],
  'throws a string': [`export default () => { throw 'mine'; };`, /^mine$/],
  'throws undefined': [`export default () => { throw undefined; };`, /^undefined$/],
  'throws a Response': [`export default () => { throw new Response('x', { status: 200 }); };`, /^\[object Response\]$/],
  'redirects to a path': [
    `export default () => Response.redirect('/x');`,
    /^TypeError: (?:Failed to parse|Invalid) URL/,
  ],
  'is a class': [`export default class A {}`, /^TypeError: Class constructor A cannot be invoked without 'new'$/],
  'is a string': [`export default 'x';`, /^TypeError: the default export is not a function/],
  'is a number': [`export default 7;`, /^TypeError: the default export is not a function/],
  'is an array': [`export default [];`, /^TypeError: the default export is not a function/],
  'is an object without fetch': [`export default { get() {} };`, /^TypeError: the default export is not a function/],
  'is null': [`export default null;`, /^TypeError: the default export is not a function/],
  'is not there': [`export const other = 1;`, /^TypeError: the default export is not a function/],
};

for (const [what, [text, cause]] of Object.entries(FAILURES)) {
  test(`a function that ${what} gets 500, and so does the next request`, async (t) => {
    const server = await serveFunction(t, text);

    for (const index of [0, 1]) {
      const answer = await server.exchange(GET);

      t.regex(answer, /^HTTP\/1\.1 500 .*\r\nx-nf-request-id: [0-9A-Z]{26}\r\n.*function_error/s);
      t.notRegex(answer, /mine|TypeError/);
      t.regex(String(server.faults[index]?.cause), cause);
    }
  });
}

/** Each function sets a header that no Response can carry. */
const BEYOND_LATIN1: Readonly<Record<string, readonly [text: string, explanation: RegExp]>> = {
  'new Response': [
    `export default () => new Response('x', { headers: { 'Content-Disposition': 'filename="报告.pdf"' } });`,
    /the function sets a header/,
  ],
  'headers.set': [
    `export default () => { const response = new Response('x'); response.headers.set('x-name', '日本'); return response; };`,
    /the function sets a header/,
  ],
  'a class of its own': [
    `class Odd extends Response { get headers() { return new Map([['x-name', '日本']]); } }
     export default () => new Odd('x');`,
    /the header "x-name" of the Response/,
  ],
  'a class of its own with a stream': [
    `class Odd extends Response { get headers() { return new Map([['x-name', '日本']]); } }
     export default () => new Odd(ReadableStream.from(['a', 'b']));`,
    /the header "x-name" of the Response/,
  ],
};

for (const [what, [text, explanation]] of Object.entries(BEYOND_LATIN1)) {
  test(`a header beyond Latin-1 (${what}) gets 500 that explains it to the client, as on the platform`, async (t) => {
    const server = await serveFunction(t, text);

    const answer = await server.exchange(GET);

    t.regex(answer, /^HTTP\/1\.1 500 .*Content-Type: text\/plain; charset=utf-8\r\n.*encodeURIComponent.*base64/s);
    t.regex(answer, /\r\nx-nf-request-id: /);
    t.regex(answer, explanation);
    t.is(server.exchanges[0]?.fault?.origin, 'function');
    t.regex(server.faults[0]?.message ?? '', explanation);
  });
}
