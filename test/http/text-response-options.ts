import { inspect } from 'node:util';
import test from 'ava';
import { TextResponse } from '../../src/http/text-response.ts';

type Class = typeof Response;

const Native = globalThis.Response;
const Ours = TextResponse as unknown as Class;

const STATUSES = [99, 101, 199, 200, 201, 204, 204.5, 205, 206, 304, 404, 599, 600, 65_736, 65_740, Number.NaN, -1];

/** Options by a text that names them, made anew for each use. Most are of types that a compiler would refuse. */
const OPTIONS: Readonly<Record<string, () => unknown>> = {
  none: () => undefined,
  ...toMakers('options', [{}, null, 'x', 5, [], true, Symbol('x'), () => 1, new Date(0)]),
  ...toMakers(
    'status',
    [...STATUSES, '201', '204', 'x', null, undefined, {}, 201n, Symbol('x')].map((status) => ({ status })),
  ),
  ...toMakers(
    'reason',
    ['Gone', '', 'ä', 'ł', '\n', '\t', 1, null, undefined].map((statusText) => ({ statusText })),
  ),
  ...toMakers(
    'headers',
    [
      ...[
        null,
        undefined,
        'a',
        1,
        [
          ['A', '1'],
          ['a', '2'],
        ],
        [['a']],
        new Map([['X-A', '1']]),
        new Headers({ a: 'b' }),
      ],
      ...[{ 'X-B': '1', 'content-language': 'de', 'x-a': '' }, { a: '1', A: '2' }, { 'Content-Type': 'Text/HTML' }],
      ...[
        { 'content-type': '' },
        { 'a b': '1' },
        { '': '1' },
        { a: 'b\0' },
        { a: 'b\nc' },
        { a: ' \t1 \r\n' },
        { a: 'ä' },
      ],
      ...[
        { a: 'ł' },
        { a: 1 },
        { a: undefined },
        { a: null },
        { a: ['b', 'c'] },
        { 'Set-Cookie': 'a', 'set-cookie': 'b' },
      ],
      ...[JSON.parse('{"__proto__":"1"}'), { 2: 'b', 1: 'a' }, { [Symbol('a')]: 'b' }, Object.create({ a: 'b' })],
      ...[Object.defineProperty({}, 'a', { value: 'b' }), Object.assign(Object.create(null), { a: 'b' })],
    ].map((headers) => ({ headers })),
  ),
  'a response': () => new Native(null, { status: 202, statusText: 'Kept', headers: { a: 'b' } }),
  'a response of ours': () => new Ours('x', { status: 203, headers: { a: 'b' } }),
  'inherited options': () => Object.create({ status: 201 }),
  'options that are not enumerable': () => Object.defineProperty({}, 'status', { value: 201 }),
  'options without a prototype': () => Object.assign(Object.create(null), { status: 201 }),
  'a proxy': () => new Proxy({ status: 201 }, {}),
  'other options': () => ({ webSocket: null, status: 201 }),
  'all options': () => ({ status: 201, statusText: 'Yes', headers: { a: 'b' } }),
};

const BODIES: Readonly<Record<string, () => unknown>> = {
  ...toMakers('', [
    undefined,
    null,
    'text',
    '',
    '\ufeffä€😀',
    'a\ud800b',
    '{"a":1}',
    1,
    true,
    {},
    [1, 2],
    Symbol('x'),
    1n,
  ]),
  'an object String': () => Object('x'),
  bytes: () => new TextEncoder().encode('a=1'),
  'a blob': () => new Blob(['b'], { type: 'Text/CSS' }),
  'search parameters': () => new URLSearchParams('a=1'),
  'a stream': () => new Blob(['s']).stream(),
  'a response': () => new Native('x'),
};

function toMakers(what: string, values: readonly unknown[]): Readonly<Record<string, () => unknown>> {
  return Object.fromEntries(values.map((value) => [`${what} ${inspect(value)}`, () => value]));
}

const HEAD = ['status', 'ok', 'statusText', 'type', 'url', 'redirected', 'bodyUsed'] as const;
const READS = ['text', 'json', 'bytes', 'arrayBuffer', 'blob', 'formData'] as const;

/** All that can be seen of a response. `create` makes it anew for each way to read it. */
async function look(create: () => Response): Promise<readonly unknown[]> {
  const seen: unknown[] = [];
  const response = create();
  for (const name of HEAD) seen.push(response[name]);
  seen.push([...response.headers], response.body === null, Object.keys(response));
  for (const name of READS) seen.push(await observe(async () => toPlain(await create()[name]())));
  for (const name of READS) seen.push(await observe(async () => toPlain(await create().clone()[name]())));
  for (const change of [
    (headers: Headers) => headers.set('content-type', 'application/x-www-form-urlencoded'),
    (headers: Headers) => headers.delete('content-type'),
  ]) {
    const changed = create();
    change(changed.headers);
    const clone = changed.clone();
    seen.push([...clone.headers], await observe(async () => toPlain(await clone.blob())));
    seen.push(await observe(async () => toPlain(await changed.formData())), changed.bodyUsed);
  }
  return seen;
}

/** In a form that can be compared. */
async function toPlain(value: unknown): Promise<unknown> {
  if (value instanceof Blob) return [value.type, await value.text()];
  if (value instanceof FormData) return [...value];
  return value instanceof ArrayBuffer || value instanceof Uint8Array
    ? Buffer.from(value as Uint8Array).toString('hex')
    : value;
}

/** The result, or the name and the message of the error. */
async function observe(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

for (const [body, createBody] of Object.entries(BODIES)) {
  test(`a response with the body ${body} is as the native one, whatever its options are`, async (t) => {
    for (const [options, createOptions] of Object.entries(OPTIONS)) {
      const see = (of: Class) =>
        observe(() => look(() => new of(createBody() as string, createOptions() as ResponseInit)));
      t.deepEqual(await see(Ours), await see(Native), options);
    }
  });
}

for (const data of [{ a: 1 }, 'text', null, undefined, Symbol('x'), 1n]) {
  test(`Response.json(${String(inspect(data))}) is as the native one, whatever its options are`, async (t) => {
    const isMistake = JSON.stringify(typeof data === 'bigint' ? undefined : data) === undefined;
    for (const [options, createOptions] of Object.entries(OPTIONS)) {
      const see = (of: Class) => observe(() => look(() => of.json(data, createOptions() as ResponseInit)));
      const [ours, native] = [await see(Ours), await see(Native)];
      // Of two mistakes, one in the data and one in the options, another one may be reported.
      if (isMistake && typeof ours === 'string') t.is(typeof native, 'string', options);
      else t.deepEqual(ours, native, options);
    }
  });
}

const SHAPE: Readonly<Record<string, (of: Class) => unknown>> = {
  'its length and those of its methods': (of) => [of.length, of.json.length, of.redirect.length, of.error.length],
  'what a loop over a response finds': (of) => {
    const names: string[] = [];
    for (const name in new of('x')) names.push(name);
    return names.sort();
  },
  'its members': (of) =>
    [...READS, ...HEAD, 'headers', 'body', 'clone'].map((name) => {
      const { get, value, ...rest } = Object.getOwnPropertyDescriptor(of.prototype, name) ?? {};
      return [name, get?.name, (value as { length?: number } | undefined)?.length, rest];
    }),
  'a subclass': async (of) => {
    class Mine extends of {}
    Object.defineProperty(Mine.prototype, 'status', { get: () => 299 });
    const mine = new Mine('x', { status: 201 });
    return [mine.status, mine.ok, await mine.clone().text(), mine.clone().status, mine.clone() instanceof Mine];
  },
};

for (const [what, see] of Object.entries(SHAPE)) {
  test(`the class is as the native one: ${what}`, async (t) => {
    t.deepEqual(await see(Ours), await see(Native));
  });
}

const toOutcome = (text: unknown): unknown => String(text).replace(/^(TypeError): .*/, '$1');

type Difference = readonly [see: (of: Class) => unknown, ...results: unknown[]];

/** The list in docs/decisions/text-response.md: what ours gives, what the native class gives. */
const DIFFERENCES: Readonly<Record<string, Difference>> = {
  'the prototype of Response.error()': [(of) => Object.getPrototypeOf(of.error()) === of.prototype, false, true],
  'the prototype of Response.redirect()': [
    (of) => Object.getPrototypeOf(of.redirect('http://a/')) === of.prototype,
    ...[false, true],
  ],
  'the prototype of a clone after a read': [
    (of) => {
      const response = new of('x');
      response.body;
      return Object.getPrototypeOf(response.clone()) === of.prototype;
    },
    ...[false, true],
  ],
  'a method of its prototype, for a native response': [
    (of) => observe(() => of.prototype.text.call(new Native('x'))).then(toOutcome),
    ...['TypeError', 'x'],
  ],
  'a method of the native prototype': [
    (of) => observe(() => Native.prototype.text.call(new of('x'))).then(toOutcome),
    'TypeError',
    'x',
  ],
  'the prototype of its prototype': [(of) => Object.getPrototypeOf(of.prototype) === Object.prototype, false, true],
  'its own members': [
    (of) => Reflect.ownKeys(of).map(String).sort().join(' '),
    'Symbol(Symbol.hasInstance) holdsText json length name partsOf prototype take takePieces',
    'error json length name prototype redirect',
  ],
  'structuredClone()': [
    (of) => observe(() => inspect(structuredClone(new of('x')))),
    '{}',
    'DataCloneError: Cannot clone object of unsupported type.',
  ],
  'headers for people': [
    (of) => /headers: (.*\})/.exec(inspect(new of('x', { headers: { 'Content-Type': 'a/b' } })))?.[1],
    "Headers { 'content-type': 'a/b' }",
    "Headers { 'Content-Type': 'a/b' }",
  ],
  'how often a getter of the options is read': [
    (of) => {
      let reads = 0;
      const options = {
        statusText: 'a',
        get status() {
          return 200 + reads++;
        },
      };
      new of('x', options);
      return reads;
    },
    ...[2, 1],
  ],
  'the error of two mistakes': [
    (of) => observe(() => of.json(1n, { status: 99 })).then((text) => String(text).split(':')[0]),
    ...['RangeError', 'TypeError'],
  ],
};

for (const [what, [see, ours, native]] of Object.entries(DIFFERENCES)) {
  test(`what differs from the native class is known: ${what}`, async (t) => {
    t.is(await see(Ours), ours);
    t.is(await see(Native), native);
  });
}
