import test from 'ava';
import { type LambdaServer, serveLambda } from '../../../helpers/lambda-server.ts';
import { untilResult } from '../../../helpers/until-result.ts';

async function get(server: LambdaServer, init: RequestInit = {}): Promise<Response> {
  return fetch(`${server.url}/x`, init);
}

const RESULT = { statusCode: 201, headers: { 'x-from': 'it' }, body: 'hello' };

const WAYS: Readonly<Record<string, unknown>> = {
  'an async handler': async () => RESULT,
  'a handler that returns a promise': () => Promise.resolve(RESULT),
  'a handler that returns a promise of another make': () =>
    Object.fromEntries([['then', (resolve: (value: unknown) => void) => resolve(RESULT)]]),
  'a callback at once': (_event: unknown, _context: unknown, callback: Done) => callback(null, RESULT),
  'a callback later, behind a returned timer': (_event: unknown, _context: unknown, callback: Done) =>
    setTimeout(() => callback(undefined, RESULT), 5),
  'a callback of a handler that takes all parts at once': (...parts: [unknown, unknown, Done]) => {
    setTimeout(() => parts[2](null, RESULT), 5);
  },
  'context.succeed': (_event: unknown, context: Old) => context.succeed(RESULT),
  'context.done': (_event: unknown, { done }: Old) => {
    setTimeout(() => done(null, RESULT), 5);
  },
};

type Done = (error: unknown, result?: unknown) => void;

interface Old {
  succeed(result: unknown): void;
  fail(error?: unknown): void;
  done: Done;
}

for (const [way, handler] of Object.entries(WAYS)) {
  test(`${way} responds`, async (t) => {
    const answer = await get(await serveLambda(t, handler));

    t.is(answer.status, 201);
    t.is(answer.headers.get('x-from'), 'it');
    t.is(await answer.text(), 'hello');
  });
}

/** What a handler does → the message in the log. */
const FAILURES: readonly (readonly [string, unknown, RegExp])[] = [
  ['resolves with undefined', async () => undefined, /undefined, which is no response/],
  ['resolves with null', async () => null, /no response but null: return a promise of one, or use the callback/],
  ['resolves with text', async () => 'hello', /no response but the string "hello"/],
  ['calls back with nothing', (_e: unknown, _c: unknown, callback: Done) => callback(null), /undefined/],
  ['is not async and returns an answer', () => RESULT, /is not async; return a promise, or use the callback/],
  ['has a callback and returns an answer', (_e: unknown, _c: unknown, _d: Done) => RESULT, /is not async/],
  ['takes the event alone and returns nothing', ({ path }: { path: string }) => void path, /returned nothing/],
  ['gives no statusCode', async () => ({ body: 'x' }), /numerical statusCode \(200 to 599\), gave undefined/],
  ['gives a text as statusCode', async () => ({ statusCode: '200' }), /gave the string "200"/],
  ['gives NaN as statusCode', async () => ({ statusCode: Number.NaN }), /gave NaN/],
  ['gives statusCode 99', async () => ({ statusCode: 99, body: 'x' }), /must be 200 to 599, is 99/],
  ['gives an object as body', async () => ({ statusCode: 200, body: { a: 1 } }), /as body, gave an object/],
  ['gives bytes as body', async () => ({ statusCode: 200, body: Buffer.from('x') }), /as body, gave an object/],
  ['gives a header that is no header', async () => ({ statusCode: 200, headers: { 'a b': 'x' } }), /"a b" cannot/],
  ['gives a header with a line break', async () => ({ statusCode: 200, headers: { a: 'x\r\ny' } }), /"a" cannot/],
  ['gives a header with a line feed', async () => ({ statusCode: 200, headers: { a: '☂\nb: c' } }), /"a" cannot/],
  ['gives a header with a NUL', async () => ({ statusCode: 200, headers: { a: '☂\0' } }), /"a" cannot/],
  [
    'gives a header with a control character',
    async () => ({ statusCode: 200, headers: { a: '☂\x01' } }),
    /invalid header: "a"/,
  ],
  [
    'gives a header whose name is no token',
    async () => ({ statusCode: 200, headers: { 'x-报': 'a' } }),
    /"x-报" cannot/,
  ],
  ['gives an object as header', async () => ({ statusCode: 200, headers: { a: {} } }), /"a" must be a string, number/],
  ['gives a text as headers', async () => ({ statusCode: 200, headers: 'a: b' }), /object as headers/],
];

for (const [what, handler, message] of FAILURES) {
  test(`a handler that ${what} is a function_bad_answer`, async (t) => {
    const server = await serveLambda(t, handler);

    t.is((await get(server)).status, 500);
    t.is(server.faults[0]?.code, 'function_bad_answer');
    t.regex(server.faults[0]?.message ?? '', message);
  });
}

const BANG = new Error('bang');
const THROWS: Readonly<Record<string, unknown>> = {
  throws: () => {
    throw BANG;
  },
  rejects: async () => {
    throw BANG;
  },
  'calls back with an error': (_e: unknown, _c: unknown, callback: Done) => callback(BANG, RESULT),
  'calls context.fail': (_e: unknown, context: Old) => context.fail(BANG),
  'calls context.done with an error': (_e: unknown, { done }: Old) => done(BANG),
};

for (const [what, handler] of Object.entries(THROWS)) {
  test(`a handler that ${what} is a function_error with the thrown error`, async (t) => {
    const server = await serveLambda(t, handler);

    t.is((await get(server)).status, 500);
    t.is(server.faults[0]?.code, 'function_error');
    t.is(server.faults[0]?.cause, BANG);
  });
}

for (const thrown of ['text', undefined, null, 0, { statusCode: 200 }, Symbol('s')]) {
  test(`a handler may throw ${String(thrown)}`, async (t) => {
    const handler = async () => {
      throw thrown;
    };
    const server = await serveLambda(t, handler);

    t.is((await get(server)).status, 500);
    t.is(server.faults[0]?.code, 'function_error');
  });
}

test('context.fail without an error still fails', async (t) => {
  const server = await serveLambda(t, (_event: unknown, context: Old) => context.fail());

  t.is((await get(server)).status, 500);
  t.is(server.faults[0]?.cause, 'handled');
});

test('a result whose properties throw when read is a function_error', async (t) => {
  const server = await serveLambda(t, async () => ({
    get statusCode() {
      throw BANG;
    },
  }));

  t.is((await get(server)).status, 500);
  t.is(server.faults[0]?.cause, BANG);
});

test('the first callback is used, and a second one is logged', async (t) => {
  const server = await serveLambda(t, (_event: unknown, _context: unknown, callback: Done) => {
    callback(null, RESULT);
    callback(null, { statusCode: 404 });
    callback(BANG);
  });

  t.is((await get(server)).status, 201);
  t.deepEqual(
    server.lines.map(({ level, fields }) => [level, fields.error]),
    [
      ['warn', undefined],
      ['error', BANG],
    ],
  );
});

test('a callback is used, and the promise that resolves later is ignored without a log line', async (t) => {
  const server = await serveLambda(t, async (_event: unknown, _context: unknown, callback: Done) => {
    callback(null, RESULT);
  });

  t.is((await get(server)).status, 201);
  t.deepEqual(server.lines, []);
});

test('a promise is used, and a later callback is logged', async (t) => {
  const late = Promise.withResolvers<Done>();
  const server = await serveLambda(t, async (_event: unknown, _context: unknown, callback: Done) => {
    late.resolve(callback);
    return RESULT;
  });

  t.is((await get(server)).status, 201);
  (await late.promise)(BANG);
  t.is(server.lines[0]?.message, 'a function failed after it had responded');
});

test('a rejection after the callback is logged and has no other effect', async (t) => {
  const server = await serveLambda(t, async (_event: unknown, _context: unknown, callback: Done) => {
    callback(null, RESULT);
    throw BANG;
  });

  t.is((await get(server)).status, 201);
  const lines = await untilResult(
    async () => server.lines,
    ({ length }) => length > 0,
  );
  t.is(lines[0]?.fields.error, BANG);
});

test('a handler that never responds gets 504 after its timeout', async (t) => {
  const server = await serveLambda(t, (_event: unknown, _context: unknown, _callback: Done) => {}, {
    limits: { timeoutMs: 100 },
  });

  t.is((await get(server)).status, 504);
});

test('header values may be strings, numbers or booleans, and lists become several headers', async (t) => {
  const server = await serveLambda(t, async () => ({
    statusCode: 200,
    headers: { 'x-n': 7, 'x-b': false, 'x-none': undefined, 'x-null': null, 'X-Twice': 'a', 'set-cookie': 'a=1' },
    multiValueHeaders: { 'Set-Cookie': ['b=2', 'c=3; Path=/'], 'x-many': ['1', 2], 'x-twice': ['a', 'b'] },
  }));

  const { headers } = await get(server);
  t.is(headers.get('x-n'), '7');
  t.is(headers.get('x-b'), 'false');
  t.false(headers.has('x-none') || headers.has('x-null'));
  t.deepEqual(headers.getSetCookie(), ['a=1', 'b=2', 'c=3; Path=/']);
  t.is(headers.get('x-many'), '1, 2');
  t.is(headers.get('x-twice'), 'a, b');
});

test('a base64 body is sent as bytes with their length, whatever length the function sets', async (t) => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  const body = bytes.toString('base64');
  const server = await serveLambda(t, async () => ({
    statusCode: 200,
    headers: { 'content-type': 'image/png', 'content-length': body.length },
    body,
    isBase64Encoded: true,
  }));

  const answer = await get(server);
  t.is(answer.headers.get('content-length'), '256');
  t.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes);
});

test('a large base64 body is sent completely', async (t) => {
  const bytes = Buffer.alloc(20 * 1024 * 1024, 'edge');
  const server = await serveLambda(t, async () => ({
    statusCode: 200,
    body: bytes.toString('base64'),
    isBase64Encoded: true,
  }));

  t.true(bytes.equals(Buffer.from(await (await get(server)).arrayBuffer())));
});

test('text is sent as UTF-8 with its length and without a default content type', async (t) => {
  const server = await serveLambda(t, async () => ({ statusCode: 200, body: 'café' }));

  const answer = await get(server);
  t.false(answer.headers.has('content-type'));
  t.is(answer.headers.get('content-length'), '5');
  t.is(await answer.text(), 'café');
});

for (const result of [{ statusCode: 204 }, { statusCode: 204, body: '' }, { statusCode: 304, body: 'ignored' }]) {
  test(`${JSON.stringify(result)} is a response without a body`, async (t) => {
    const answer = await get(await serveLambda(t, async () => result));

    t.is(answer.status, result.statusCode);
    t.is(await answer.text(), '');
  });
}

test('the response to HEAD has the length of the GET response', async (t) => {
  const server = await serveLambda(t, async () => ({ statusCode: 200, body: 'four' }));

  const answer = await get(server, { method: 'HEAD' });
  t.is(answer.headers.get('content-length'), '4');
  t.is(await answer.text(), '');
});
