import { Readable } from 'node:stream';
import { builder, getContext, schedule, stream } from '@netlify/functions';
import test from 'ava';
import { awslambda } from '../../../../src/dialects/netlify/call/awslambda.ts';
import { installGlobals } from '../../../../src/dialects/netlify/call/globals.ts';
import type { LambdaResponseStream } from '../../../../src/dialects/netlify/call/lambda-stream.ts';
import { serveLambda } from '../../../helpers/lambda-server.ts';
import { untilResult } from '../../../helpers/until-result.ts';

installGlobals({ processEnv: process.env, env: {} });

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const HEAD = { statusCode: 203, headers: { 'content-type': 'text/event-stream', 'x-n': 1 } };

const BODIES: Readonly<Record<string, readonly [() => unknown, string]>> = {
  'a Node stream': [() => Readable.from(['one, ', 'two']), 'one, two'],
  'a web stream': [() => new Blob(['one, two']).stream(), 'one, two'],
  'a generator': [
    async function* () {
      yield 'one, ';
      yield 'two';
    },
    'one, two',
  ],
  text: [() => 'one, two', 'one, two'],
  'no body': [() => undefined, ''],
};

for (const [what, [toBody, text]] of Object.entries(BODIES)) {
  test(`stream() of @netlify/functions responds with ${what}`, async (t) => {
    const handler = stream(async () => ({
      ...HEAD,
      multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'] },
      body: toBody() as string, // whatever pipeline() takes
    }));
    const server = await serveLambda(t, handler);

    const answer = await fetch(server.url);
    t.is(answer.status, 203);
    t.is(answer.headers.get('content-type'), 'text/event-stream');
    t.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2']);
    t.is(await answer.text(), text);
    t.deepEqual(server.lines, []);
  });
}

test('a streamed response is sent chunk by chunk', async (t) => {
  const source = new Readable({ read() {} });
  const server = await serveLambda(
    t,
    stream(async () => ({ ...HEAD, body: source })),
  );
  const peer = await server.connect();
  peer.write(GET);

  await peer.readHead();
  source.push('first');
  await peer.readUntil('first');
  source.push('second');
  await peer.readUntil('second');
  source.push(null);
  t.true((await peer.readToEnd()).endsWith('0\r\n\r\n'));
});

test('a stream that fails in the middle is cut, so that the client detects it', async (t) => {
  const source = new Readable({ read() {} });
  const server = await serveLambda(
    t,
    stream(async () => ({ ...HEAD, body: source })),
  );
  const peer = await server.connect();
  peer.write(GET);
  source.push('first');
  await peer.readUntil('first');

  source.destroy(new Error('bang'));

  t.false((await peer.readToEnd()).includes('0\r\n\r\n'));
  t.is(server.faults[0]?.code, 'function_error');
});

test('a handler that fails before its head is a function_error', async (t) => {
  const error = new Error('bang');
  const server = await serveLambda(
    t,
    stream(async () => {
      throw error;
    }),
  );

  t.is((await fetch(server.url)).status, 500);
  t.is(server.faults[0]?.cause, error);
});

test('a streamed response without a numerical statusCode is a function_bad_answer', async (t) => {
  const server = await serveLambda(
    t,
    stream(async () => ({ statusCode: '200' as unknown as number, body: 'x' })),
  );

  t.is((await fetch(server.url)).status, 500);
  t.is(server.faults[0]?.code, 'function_bad_answer');
});

test('the source of the stream ends when the client disconnects', async (t) => {
  const source = new Readable({ read() {} });
  const server = await serveLambda(
    t,
    stream(async () => ({ ...HEAD, body: source })),
  );
  const peer = await server.connect();
  peer.write(GET);
  await peer.readHead();

  peer.reset();

  await untilResult(
    async () => source.destroyed,
    (destroyed) => destroyed,
  );
  t.deepEqual(server.lines, []);
});

test('a streamed response over its time limit is cut', async (t) => {
  const source = new Readable({ read() {} });
  const handler = stream(async () => ({ ...HEAD, body: source }));
  const server = await serveLambda(t, handler, { limits: { streamMs: 200 } });
  const peer = await server.connect();
  peer.write(GET);
  source.push('first');

  t.false((await peer.readToEnd()).includes('0\r\n\r\n'));
  t.is(server.faults[0]?.code, 'function_timeout');
  t.true(source.destroyed);
});

test('the response to HEAD has the head of the stream, and the source ends', async (t) => {
  const source = new Readable({ read() {} });
  const server = await serveLambda(
    t,
    stream(async () => ({ ...HEAD, body: source })),
  );

  t.is((await fetch(server.url, { method: 'HEAD' })).status, 203);
  await untilResult(
    async () => source.destroyed,
    (destroyed) => destroyed,
  );
  t.deepEqual(server.lines, []);
});

test('a handler may write to the stream itself and set only the content type', async (t) => {
  const handler = awslambda.streamifyResponse(async (_event: unknown, to: LambdaResponseStream) => {
    to.setContentType('text/plain');
    to.write('one, ');
    to.end('two');
  });
  const answer = await fetch((await serveLambda(t, handler)).url);

  t.is(answer.status, 200);
  t.is(answer.headers.get('content-type'), 'text/plain');
  t.is(await answer.text(), 'one, two');
});

test("a handler that a package marked with the symbol of AWS's runtime streams", async (t) => {
  const handler = async (_event: unknown, body: LambdaResponseStream): Promise<void> => {
    body.setContentType('text/plain');
    body.end('streamed');
  };
  const marked = Object.assign(handler, { [Symbol.for('aws.lambda.runtime.handler.streaming')]: 'response' });
  const server = await serveLambda(t, marked);

  const answer = await fetch(server.url);

  t.is(answer.headers.get('content-type'), 'text/plain');
  t.is(await answer.text(), 'streamed');
});

test('an error that a handler throws after its response is complete is logged', async (t) => {
  const handler = awslambda.streamifyResponse(async (_event: unknown, to: LambdaResponseStream) => {
    to.end('all');
    throw new Error('bang');
  });
  const server = await serveLambda(t, handler);

  t.is(await (await fetch(server.url)).text(), 'all');
  const lines = await untilResult(
    async () => server.lines,
    ({ length }) => length > 0,
  );
  t.is(lines[0]?.message, 'a function failed after it had responded');
});

for (const [what, chunk] of [
  ['before anything is written', undefined],
  ['behind its first chunk', 'abc'],
] as const) {
  test(`a stream that fails in its first turn, ${what}, gets 500`, async (t) => {
    const handler = awslambda.streamifyResponse(async (_event: unknown, stream: LambdaResponseStream) => {
      awslambda.HttpResponseStream.from(stream, HEAD);
      if (chunk) stream.write(chunk);
      throw new Error('mine');
    });
    const server = await serveLambda(t, handler);

    t.regex(await server.exchange(GET), /^HTTP\/1\.1 500 .*function_error/s);
  });
}

for (const [how, chunks] of Object.entries({ longer: ['ab', 'cdef'], shorter: ['a', 'b'] })) {
  test(`a stream that is ${how} than its Content-Length is a function_bad_answer`, async (t) => {
    const headers = { 'content-length': '3' };
    const server = await serveLambda(
      t,
      stream(async () => ({ statusCode: 200, headers, body: Readable.from(inTurns(chunks)) })),
    );
    const peer = await server.connect();

    peer.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');

    t.notRegex(await peer.readToEnd(), /def/);
    t.like(server.faults, [{ code: 'function_bad_answer' }]);
  });
}

test('the response of a handler that fails while it writes is cut', async (t) => {
  const handler = awslambda.streamifyResponse(async (_event: unknown, to: LambdaResponseStream) => {
    to.write('half');
    await new Promise((resolve) => setImmediate(resolve));
    throw 'bang';
  });
  const server = await serveLambda(t, handler);

  t.false((await server.exchange(GET)).includes('0\r\n\r\n'));
  t.is(server.faults[0]?.cause, 'bang');
});

test('from() accepts only the stream of the call', (t) => {
  t.throws(() => awslambda.HttpResponseStream.from({}, { statusCode: 200 }), { instanceOf: TypeError });
});

test('builder() responds to GET below both URLs, without a query, and refuses POST', async (t) => {
  const handler = builder(async (event) => ({
    statusCode: 200,
    body: JSON.stringify([event.queryStringParameters, event.rawQuery]),
    ttl: 60,
  }));
  const { url } = await serveLambda(t, handler);

  for (const path of ['builders', 'functions']) {
    const answer = await fetch(`${url}/.netlify/${path}/hello?a=1`);
    t.deepEqual(await answer.json(), [{}, 'a=1']);
    t.is((await fetch(`${url}/.netlify/${path}/hello`, { method: 'POST' })).status, 405);
  }
});

test('a function that is no builder responds with 400 below /.netlify/builders/', async (t) => {
  const { url } = await serveLambda(t, async () => ({ statusCode: 200, body: 'x' }));

  const answer = await fetch(`${url}/.netlify/builders/hello`);
  t.is(answer.status, 400);
  t.regex(((await answer.json()) as { message: string }).message, /not an on-demand builder/);
  t.is((await fetch(`${url}/.netlify/functions/hello`)).status, 200);
});

test('schedule() does not change the handler', async (t) => {
  const handler = schedule('@daily', async () => ({ statusCode: 202 }));

  t.is((await fetch((await serveLambda(t, handler)).url)).status, 202);
});

test('getContext() of @netlify/functions says that a Lambda-compatible function has none', async (t) => {
  const server = await serveLambda(t, async () => ({ statusCode: 200, body: JSON.stringify(getContext()) }));

  t.is((await fetch(server.url)).status, 500);
  t.regex(String(server.faults[0]?.cause), /getContext\(\) can only be called within/);
});

/** Writes one chunk in each turn of the event loop, so that the chunks are not merged. */
async function* inTurns(chunks: readonly string[]): AsyncGenerator<string> {
  for (const chunk of chunks) {
    await new Promise((resolve) => setImmediate(resolve));
    yield chunk;
  }
}
