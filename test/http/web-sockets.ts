import test, { type ExecutionContext } from 'ava';
import { type RunningEdge, startEdge } from '../helpers/edge.ts';
import type { Peer } from '../helpers/peer.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { handshake } from '../helpers/tunnel-server.ts';
import { untilResult } from '../helpers/until-result.ts';
import { connectWebSocket } from '../helpers/web-socket-client.ts';
import { closeMark, frame } from '../helpers/web-socket-frame.ts';

/** A function whose WebSocket records its errors and close codes. A POST returns them. */
const RECORDING = `const calls = [];
  export const onRequestPost = () => calls;
  export const onRequestGet = () => ({ websocket: {
    onmessage: (ws, data) => ws.send(data),
    onerror: (ws, error) => { calls.push(error.code); },
    onclose: (ws, code) => { calls.push(code); },
  } });`;

async function serve(
  t: ExecutionContext,
  text: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningEdge> {
  return startEdge(t, { site: await siteFolder(t, { 'cloud-functions/chat.js': text }), env });
}

/** Opens a connection to `/chat` and reads its 101. */
async function open(edge: RunningEdge): Promise<Peer> {
  const client = await edge.connect();
  client.write(handshake('Sec-WebSocket-Version: 13'));
  await client.readHead();
  return client;
}

async function recordedCalls(edge: RunningEdge, method = 'POST'): Promise<readonly unknown[]> {
  return (await fetch(`${edge.url}/chat`, { method })).json() as Promise<unknown[]>;
}

const BREACHES = [
  ['a frame without a mask', frame({ kind: 'text', payload: 'a', masked: false }), 1002, 'WS_ERR_EXPECTED_MASK'],
  ['an unknown frame', '\x83\x80\0\0\0\0', 1002, 'WS_ERR_INVALID_OPCODE'],
  ['a compressed frame', '\xc1\x80\0\0\0\0', 1002, 'WS_ERR_UNEXPECTED_RSV_1'],
  ['text that is not UTF-8', frame({ kind: 'text', payload: '\xff' }), 1007, 'WS_ERR_INVALID_UTF8'],
  ['an invalid close code', frame({ kind: 'close', payload: closeMark(1005) }), 1002, 'WS_ERR_INVALID_CLOSE_CODE'],
  [
    'a ping that is too long',
    frame({ kind: 'ping', payload: 'a'.repeat(126) }),
    1002,
    'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH',
  ],
] as const;

for (const [what, bytes, code, error] of BREACHES) {
  test(`${what} closes the socket with ${code}, calls onerror, and is a fault of the client`, async (t) => {
    const edge = await serve(t, RECORDING);
    const client = await open(edge);

    client.write(bytes);

    t.is((await client.readBytes(4)).slice(2), closeMark(code));
    await client.readToEnd();
    t.like((await edge.accessLines(1))[0], { status: '101', fault: 'bad_request', fault_origin: 'client' });
    t.deepEqual(await recordedCalls(edge), [error, 1006]);
  });
}

test('a message above BODY_LIMIT closes the socket with 1009 before it is read', async (t) => {
  const edge = await serve(t, RECORDING, { BODY_LIMIT: '1k' });
  const client = await open(edge);
  client.write(frame({ kind: 'binary', payload: 'a'.repeat(1024) }));
  await client.readBytes(4 + 1024);

  client.write(frame({ kind: 'binary', payload: 'a'.repeat(1025) }).slice(0, 100));

  t.is((await client.readBytes(4)).slice(2), closeMark(1009));
  t.like((await edge.accessLines(1))[0], { fault: 'body_too_large' });
});

for (const [what, leave] of [
  ['resets', (client: Peer) => client.reset()],
  ['ends without a close frame', (client: Peer) => client.end()],
] as const) {
  test(`onclose gets 1006 for a client that ${what}`, async (t) => {
    const edge = await serve(t, RECORDING);
    const client = await open(edge);

    leave(client);

    t.like((await edge.accessLines(1))[0], { status: '101', fault: '' });
    t.deepEqual(await recordedCalls(edge), [1006]);
  });
}

test('the edge still serves WebSockets after clients that reset during their handshake', async (t) => {
  const edge = await serve(t, RECORDING);
  for (const parts of [[''], ['', frame({ kind: 'text', payload: 'a' })], ['', '\x83']]) {
    const client = await edge.connect();
    client.write(handshake('Sec-WebSocket-Version: 13') + parts.join(''));
    client.reset();
  }

  const client = await connectWebSocket(t, `${edge.url}/chat`);
  client.socket.send('still here');

  t.is(await client.next(), 'still here');
});

test('a slow client gets the whole response of a function that refuses its handshake', async (t) => {
  const bytes = 16 * 1024 * 1024;
  const edge = await serve(
    t,
    `const chunk = Buffer.alloc(64 * 1024, 'x');
    export const onRequestGet = () => {
      let left = ${bytes / (64 * 1024)};
      const pull = (controller) => (left-- > 0 ? controller.enqueue(chunk) : controller.close());
      return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { headers: { 'Content-Length': '${bytes}' } });
    };`,
  );
  const client = await edge.connect();
  client.write(handshake('Sec-WebSocket-Version: 13'));
  await client.readHead();

  client.socket.pause();
  await new Promise((resolve) => setImmediate(resolve));
  client.socket.resume();

  t.is((await client.readBytes(bytes)).length, bytes);
});

test('a client that does not read is closed with 1013 when too many bytes wait for it', async (t) => {
  const edge = await serve(
    t,
    `const calls = [];
    export const onRequestPost = () => calls;
    export const onRequestGet = () => ({ websocket: {
      onopen(ws) {
        const big = Buffer.alloc(1024 * 1024);
        for (let sent = 0; sent < 100; sent++) ws.send(big);
        calls.push(ws.readyState, ws._socket.writableLength < 20 * 1024 * 1024);
      },
      onclose: (ws, code) => { calls.push(code); },
    } });`,
  );
  const client = await edge.connect();
  client.socket.pause();
  client.write(handshake('Sec-WebSocket-Version: 13'));
  await untilResult(
    () => recordedCalls(edge),
    (calls) => calls.length === 2,
  );

  client.socket.resume();
  // The close frame is after these.
  await client.readBytes(16 * 1024 * 1024);
  await client.readUntil(closeMark(1013));
  client.write(frame({ kind: 'close', payload: closeMark(1013) }));
  await client.readToEnd();

  t.true(client.received.length < 24 * 1024 * 1024);
  const calls = await untilResult(
    () => recordedCalls(edge),
    ({ length }) => length > 2,
  );
  t.deepEqual(calls, [2, true, 1013]);
});

test('reading stops while too many messages wait for a function', async (t) => {
  const edge = await serve(
    t,
    `const waiting = [];
    let done = 0;
    export const onRequestPost = () => [waiting.length, done];
    export const onRequestDelete = () => { for (const go of waiting.splice(0)) go(); return [0, done]; };
    export const onRequestGet = () => ({ websocket: {
      onmessage: () => new Promise((resolve) => waiting.push(resolve)).then(() => { done++; }),
    } });`,
  );
  const client = await open(edge);
  const message = frame({ kind: 'binary', payload: 'a'.repeat(64 * 1024) });
  const count = 1000;
  client.write(message.repeat(count));
  const [held = 0] = await untilResult(
    () => recordedCalls(edge),
    ([waiting]) => Number(waiting) >= 100,
  );
  t.true(Number(held) < 110);

  await untilResult(
    () => recordedCalls(edge, 'DELETE'),
    ([, done]) => done === count,
  );

  client.write(frame({ kind: 'close', payload: closeMark(1000) }));
  t.is((await client.readToEnd()).slice(2, 4), closeMark(1000));
});

test('a function can wait for a message in the handler of another one', async (t) => {
  const edge = await serve(
    t,
    `export const onRequest = () => {
      let answered;
      const answer = new Promise((resolve) => { answered = resolve; });
      return { websocket: { async onmessage(ws, data) {
        if (String(data) === 'ask') ws.send('got ' + (await answer));
        else answered(data);
      } } };
    };`,
  );
  const client = await connectWebSocket(t, `${edge.url}/chat`);

  client.socket.send('ask');
  client.socket.send('the answer');

  t.is(await client.next(), 'got the answer');
});

for (const [what, callback] of [
  ['onopen that throws', 'onopen() { throw new Error("mine"); }'],
  ['onmessage that throws', 'onmessage() { throw new Error("mine"); }'],
  ['onmessage that rejects', 'async onmessage() { throw new Error("mine"); }'],
  ['onmessage that closes with an invalid code', 'onmessage(ws) { ws.close(7); }'],
] as const) {
  test(`an ${what} closes its socket with 1011`, async (t) => {
    const edge = await serve(t, `export const onRequest = () => ({ websocket: { ${callback} } });`);
    const client = await connectWebSocket(t, `${edge.url}/chat`);

    client.socket.send('a');

    t.is(await client.closed, '1011 Internal error');
  });
}

test('errors after the socket is closed are logged', async (t) => {
  const edge = await serve(
    t,
    `export const onRequest = () => ({ websocket: {
      onopen: (ws) => new Promise((_, reject) => ws.on('close', () => setImmediate(reject, new Error('late')))),
      async onclose() { throw new Error('at the end'); },
    } });`,
  );
  const client = await connectWebSocket(t, `${edge.url}/chat`);
  client.socket.close();
  await client.closed;

  await edge.close();

  const logged = JSON.stringify(await edge.errorLines());
  t.regex(logged, /"message":"late"/);
  t.regex(logged, /"message":"at the end"/);
});
