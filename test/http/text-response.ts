import { inspect } from 'node:util';
import test from 'ava';
import { TextResponse } from '../../src/http/text-response.ts';

type Class = typeof Response;

const Native = globalThis.Response;
const Ours = TextResponse as unknown as Class;

/** The result of `look`, or the name of the error that it throws. */
async function observe(of: Class, look: (of: Class) => unknown): Promise<unknown> {
  try {
    return await look(of);
  } catch (error) {
    return (error as Error).name;
  }
}

function pick({ status, ok, statusText, type, url, redirected }: Response) {
  return { status, ok, statusText, type, url, redirected };
}

async function drain(body: ReadableStream<Uint8Array> | null): Promise<string> {
  let text = '';
  for await (const chunk of body ?? []) text += Buffer.from(chunk as Uint8Array).toString();
  return text;
}

const LOOKS: readonly (readonly [title: string, look: (of: Class) => unknown])[] = [
  ['status and text of a string', async (of) => [new of('ä').status, new of('ä').ok, await new of('ä').text()]],
  ['its headers', (of) => [...new of('x').headers]],
  [
    'given headers',
    (of) => [
      ...new of('x', {
        headers: [
          ['Set-Cookie', 'a'],
          ['set-cookie', 'b'],
          ['X-A', '1'],
        ],
      }).headers,
    ],
  ],
  ['a given content type', (of) => [...new of('x', { headers: { 'Content-Type': 'text/html' } }).headers]],
  [
    'status and reason',
    (of) => [
      new of('x', { status: 404, statusText: 'Gone' }).status,
      new of('x', { status: 404, statusText: 'Gone' }).statusText,
    ],
  ],
  ['no body', async (of) => [new of().body, new of(null).body, [...new of().headers], await new of().text()]],
  ['an empty string', async (of) => [new of('').body === null, await new of('').text(), [...new of('').headers]]],
  ['a status out of range', (of) => new of('x', { status: 99 })],
  ['a body with a status that allows none', (of) => new of('x', { status: 204 })],
  ['no body with a status that allows none', (of) => new of(null, { status: 304 }).status],
  ['a bad header', (of) => new of('x', { headers: { 'bad name': '1' } })],
  ['a bad reason', (of) => new of('x', { statusText: '\n' })],
  ['bytes', async (of) => [...(await new of('aä').bytes())]],
  ['an array buffer', async (of) => (await new of('aä').arrayBuffer()).byteLength],
  [
    'a blob with its type',
    async (of) => [
      (await new of('x', { headers: { 'content-type': 'text/css' } }).blob()).type,
      (await new of('xy').blob()).size,
    ],
  ],
  ['JSON', async (of) => new of('{"a":1}').json()],
  ['text that is not JSON', async (of) => new of('{').json()],
  [
    'a form',
    async (of) => [
      ...(await new of('a=1&b=2', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }).formData()),
    ],
  ],
  ['the stream', async (of) => drain(new of('text').body)],
  [
    'the same stream each time',
    (of) => {
      const response = new of('x');
      const { body } = response;
      return response.body === body;
    },
  ],
  [
    'bodyUsed before and after a read',
    async (of) => {
      const response = new of('x');
      const before = response.bodyUsed;
      await response.text();
      return [before, response.bodyUsed];
    },
  ],
  [
    'a second read',
    async (of) => {
      const response = new of('x');
      await response.text();
      return response.text();
    },
  ],
  [
    'a read while its stream is locked',
    async (of) => {
      const response = new of('x');
      response.body?.getReader();
      return response.text();
    },
  ],
  [
    'a clone',
    async (of) => {
      const response = new of('x', { status: 201, headers: { a: 'b' } });
      const clone = response.clone();
      return [clone.status, [...clone.headers], await clone.text(), await response.text()];
    },
  ],
  [
    'a clone after an access to the stream',
    async (of) => {
      const response = new of('x');
      response.body;
      const clone = response.clone();
      return [await clone.text(), await response.text()];
    },
  ],
  [
    'a clone after a read',
    async (of) => {
      const response = new of('x');
      await response.text();
      return response.clone();
    },
  ],
  ['a stream as body', async (of) => new of(new Blob(['x', 'y']).stream()).text()],
  [
    'bytes as body',
    async (of) => [...new of(new Uint8Array([1, 2])).headers, [...(await new of(new Uint8Array([1, 2])).bytes())]],
  ],
  [
    'a form as body',
    async (of) =>
      (await new of(new URLSearchParams({ a: '1' })).text()) +
      new of(new URLSearchParams()).headers.get('content-type'),
  ],
  [
    'json()',
    async (of) => {
      const response = of.json({ a: 1 }, { status: 201, headers: { b: '2' } });
      return [response.status, [...response.headers], await response.text()];
    },
  ],
  ['json() of undefined', (of) => of.json(undefined)],
  ['json() with a status that allows none', (of) => of.json(1, { status: 204 })],
  [
    'headers of a plain object',
    (of) => [
      ...new of('x', { headers: { 'X-B': '1', 'content-language': 'de', 'Set-Cookie': 'a=b; Path=/', 'x-a': '' } })
        .headers,
    ],
  ],
  ['names that differ in their case', (of) => [...new of('x', { headers: { a: '1', A: '2' } }).headers]],
  ['values with spaces around them', (of) => [...new of('x', { headers: { a: ' 1 ', b: '2\r\n' } }).headers]],
  ['a value beyond latin1', (of) => [...new of('x', { headers: { a: 'ł' } }).headers]],
  ['a value of latin1', (of) => [...new of('x', { headers: { a: 'ä' } }).headers]],
  ['a value that is no text', (of) => [...new of('x', { headers: { a: 1 as unknown as string } }).headers]],
  ['a symbol as name', (of) => new of('x', { headers: { [Symbol('a')]: 'b' } as never })],
  ['headers of null', (of) => new of('x', { headers: null as never })],
  ['options of null', (of) => new of('x', null as never).status],
  ['a status that is text', (of) => new of('x', { status: '201' as unknown as number }).status],
  ['a status with a fraction', (of) => new of('x', { status: 200.5 }).status],
  ['unknown options', (of) => new of('x', { webSocket: null, status: 201 } as ResponseInit).status],
  ['its other members', (of) => Object.entries({ ...pick(new of('x', { status: 404 })) })],
  ['its text for people', (of) => inspect(new of('x', { headers: { a: 'b' } })).replace(/stream: .*/s, '')],
  ['a call without new', (of) => (of as unknown as () => unknown)()],
  [
    'json() with a given content type',
    (of) => of.json(1, { headers: { 'content-type': 'application/problem+json' } }).headers.get('content-type'),
  ],
  ['redirect()', (of) => [of.redirect('http://a/b', 301).status, of.redirect('http://a/b').headers.get('location')]],
  ['error()', (of) => [of.error().type, of.error().status]],
  [
    'instanceof',
    (of) => [new of('x') instanceof of, new of('x') instanceof Native, new Native('x') instanceof of, {} instanceof of],
  ],
  [
    'a subclass',
    async (of) => {
      class Mine extends of {
        readonly mine = true;
      }
      const mine = new Mine('x');
      return [mine.mine, mine instanceof of, mine instanceof Mine, new of('x') instanceof Mine, await mine.text()];
    },
  ],
  ['its name', (of) => [of.name, Object.prototype.toString.call(new of('x')), new of('x').constructor === of]],
  [
    'headers that are changed later',
    async (of) => {
      const response = new of('x');
      response.headers.set('a', 'b');
      response.headers.append('set-cookie', 'c');
      return [...response.headers];
    },
  ],
  [
    'a Response made from another one',
    async (of) => {
      const inner = new of('x', { headers: { a: 'b' } });
      const outer = new of(inner.body, inner);
      return [await outer.text(), outer.headers.get('a'), inner.bodyUsed];
    },
  ],
];

for (const [title, look] of LOOKS) {
  test(`TextResponse behaves like a native Response: ${title}`, async (t) => {
    t.deepEqual(await observe(Ours, look), await observe(Native, look));
  });
}

test('the text can be taken once, then the body counts as read', async (t) => {
  const response = new Ours('hello');

  t.is(TextResponse.take(response), 'hello');
  t.is(TextResponse.take(response), undefined);
  t.true(response.bodyUsed);
  await t.throwsAsync(response.text(), { instanceOf: TypeError });
  t.throws(() => response.clone(), { instanceOf: TypeError });
});

for (const [title, response] of [
  ['a native Response', () => new Native('x')],
  ['a body of bytes', () => new Ours(new Uint8Array(1))],
  ['no body', () => new Ours()],
  ['another value', () => 'x'],
] as const) {
  test(`takeText returns nothing for ${title}`, (t) => {
    t.is(TextResponse.take(response()), undefined);
  });
}

test('takeText returns nothing after the stream was read', async (t) => {
  const response = new Ours('hello');
  t.truthy(response.body);

  t.is(TextResponse.take(response), undefined);
  t.is(await response.text(), 'hello');
});
