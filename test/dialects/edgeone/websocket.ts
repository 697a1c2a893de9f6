import test, { type ExecutionContext } from 'ava';
import { type RunningEdge, startEdge } from '../../helpers/edge.ts';
import { SOON_MS } from '../../helpers/patience.ts';
import { siteFolder } from '../../helpers/site-folder.ts';
import { handshake } from '../../helpers/tunnel-server.ts';
import { until } from '../../helpers/until.ts';
import { untilResult } from '../../helpers/until-result.ts';
import { connectWebSocket } from '../../helpers/web-socket-client.ts';

const HANDSHAKE = handshake('Sec-WebSocket-Version: 13');

/** A request behind a handshake, whose response is the last of the connection. */
const LAST = 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** Starts an edge with this file as the function of `/chat`. */
async function serve(t: ExecutionContext, text: string): Promise<RunningEdge> {
  return startEdge(t, { site: await siteFolder(t, { 'cloud-functions/chat.js': text }) });
}

test('the callbacks get the arguments of the platform', async (t) => {
  const edge = await serve(
    t,
    `const calls = [];
    export const onRequestPost = () => calls;
    export const onRequestGet = ({ request, params, uuid }) => {
      calls.push(['request', request.method, request.headers.get('Upgrade'), typeof uuid, new URL(request.url).search]);
      return { websocket: {
        onopen(ws, request) { calls.push(['open', request.url, request.headers.host === new URL('http://' + request.headers.host).host]); ws.send('welcome'); },
        onmessage(ws, data, isBinary) { calls.push(['message', data.constructor.name, String(data), isBinary]); ws.send('got it'); },
        onclose(ws, code, reason) { calls.push(['close', code, String(reason), ws.readyState]); },
      } };
    };`,
  );
  const client = await connectWebSocket(t, `${edge.url}/chat?a=1`);

  t.is(await client.next(), 'welcome');
  client.socket.send('text');
  await client.next();
  client.socket.send(Buffer.from('bytes'));
  await client.next();
  client.socket.close(4000, 'bye');
  await client.closed;

  const calls = await (await fetch(`${edge.url}/chat`, { method: 'POST' })).json();
  t.deepEqual(calls, [
    ['request', 'GET', 'websocket', 'string', '?a=1'],
    ['open', '/chat?a=1', true],
    ['message', 'Buffer', 'text', false],
    ['message', 'Buffer', 'bytes', true],
    ['close', 4000, 'bye', 3],
  ]);
});

const PAIR = `export function onRequestGet() {
  const { socket, response } = new WebSocketPair();
  socket.send('early');
  socket.addEventListener('message', ({ data }) => {
    if (data === 'throw') throw new Error('mine');
    if (data === 'reject') return Promise.reject(new Error('mine'));
    socket.send(typeof data === 'string' ? 'Echo: ' + data : data);
  });
  socket.addEventListener('close', { handleEvent: ({ code, reason }) => { (globalThis.pairsClosed ??= []).push(code + ' ' + reason); } });
  return response;
}`;

test('new WebSocketPair() opens a WebSocket whose listeners are called', async (t) => {
  const edge = await serve(t, PAIR);
  const client = await connectWebSocket(t, `${edge.url}/chat`);

  t.is(await client.next(), 'early');
  client.socket.send('hi');
  t.is(await client.next(), 'Echo: hi');
  client.socket.send(Buffer.from([1, 255]));
  t.is(await client.next(), '\u0001\u00ff');
  client.socket.close(4000, 'bye');
  await client.closed;
  // Other tests of this file close theirs.
  await until(() => Reflect.get(globalThis, 'pairsClosed')?.includes('4000 bye'), 'the listener of close');
  t.is((await fetch(`${edge.url}/chat`)).status, 426);
});

for (const how of ['throw', 'reject']) {
  test(`a listener of a WebSocketPair that fails by ${how} closes with 1011`, async (t) => {
    const edge = await serve(t, PAIR);
    const client = await connectWebSocket(t, `${edge.url}/chat`);

    client.socket.send(how);

    t.regex(await client.closed, /^1011 /);
    t.like((await edge.accessLines(1))[0], { status: '101', fault: 'function_error' });
  });
}

test('the first protocol that the client offers is selected, and the 101 has the request id', async (t) => {
  const edge = await serve(t, 'export const onRequest = () => ({ websocket: {} });');
  const client = await edge.connect();

  client.write(handshake('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: chat, other', 'X-Request-Id: my-id'));

  const head = await client.readHead();
  t.regex(head, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
  t.regex(head, /\r\nSec-WebSocket-Protocol: chat\r\n/);
  t.regex(head, /\r\nx-request-id: my-id\r\n/);
});

const REFUSALS = [
  ['a Response', 'new Response("unauthorized", { status: 401 })', /^HTTP\/1\.1 401 [\s\S]*\r\n\r\nunauthorized$/],
  ['data', '({ a: 1 })', /^HTTP\/1\.1 200 [\s\S]*\{"a":1\}$/],
  ['data about WebSockets', '({ websocket: "wss://a" })', /^HTTP\/1\.1 200 [\s\S]*\{"websocket":"wss:\/\/a"\}$/],
  ['nothing', 'undefined', /^HTTP\/1\.1 404 /],
  ['a value that JSON cannot hold', '10n', /^HTTP\/1\.1 500 /],
  ['a rejection', 'Promise.reject(new Error("mine"))', /^HTTP\/1\.1 500 (?![\s\S]*mine)/],
] as const;

for (const [what, returned, expected] of REFUSALS) {
  test(`a handler that returns ${what} refuses the handshake, and the connection goes on behind it`, async (t) => {
    const edge = await serve(t, `export const onRequest = () => ${returned};`);

    const [answer = '', next] = (await edge.exchange(HANDSHAKE + LAST)).split(/(?=HTTP\/1\.1 )/);

    t.regex(answer, expected);
    t.regex(next ?? '', /^HTTP\/1\.1 200 /);
  });
}

test('a large refusal is read from the function only as fast as the client reads, and is complete', async (t) => {
  const edge = await serve(
    t,
    `let chunks = 0;
    export const onRequestPost = () => chunks;
    export const onRequestGet = () => new Response(new ReadableStream({
      pull(controller) {
        if (chunks++ < 400) controller.enqueue(new Uint8Array(65536));
        else controller.close();
      },
    }), { status: 403 });`,
  );
  const chunks = async () => Number(await (await fetch(`${edge.url}/chat`, { method: 'POST' })).text());
  const client = await edge.connect();
  client.socket.pause();
  client.write(HANDSHAKE);
  let before = -1;
  const stopped = await untilResult(chunks, (now) => {
    const isSame = now === before && now > 0;
    before = now;
    return isSame;
  });
  t.true(stopped < SOON_MS);

  client.socket.resume();

  t.true((await client.readUntil('\r\n0\r\n\r\n')).length > 0);
  t.true(client.received.length > 400 * 65536);
});

for (const method of ['GET', 'POST', 'HEAD']) {
  test(`a ${method} to a function that opens a WebSocket gets 426 with Upgrade: websocket`, async (t) => {
    const edge = await serve(t, 'export const onRequest = () => ({ websocket: { onmessage() {} } });');

    const answer = await edge.exchange(`${method} /chat HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);

    t.regex(answer, /^HTTP\/1\.1 426 Upgrade Required\r\nContent-Type: text\/plain/);
    t.regex(answer, /\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n[\s\S]*\r\nConnection: close\r\n/);
    t.is(answer.endsWith('\r\n\r\n'), method === 'HEAD');
  });
}

test('a connection stays open after a 426', async (t) => {
  const edge = await serve(t, 'export const onRequest = () => ({ websocket: {} });');
  const client = await edge.connect();

  for (let times = 0; times < 2; times++) {
    client.write('GET /chat HTTP/1.1\r\nHost: a\r\n\r\n');
    t.regex(await client.readUntil('wss:.\n'), /^HTTP\/1\.1 426 [\s\S]*\r\nConnection: Upgrade\r\n/);
  }
});

const NO_HANDSHAKES = [
  ['without a version', handshake(), /^HTTP\/1\.1 426 [\s\S]*\r\nSec-WebSocket-Version: 13\r\n/],
  ['of an old version', handshake('Sec-WebSocket-Version: 8'), /^HTTP\/1\.1 426 /],
  ['without a key', HANDSHAKE.replace(/Sec-WebSocket-Key.*\r\n/, ''), /^HTTP\/1\.1 400 /],
  ['with a bad protocol', handshake('Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: a,,b'), /^HTTP\/1\.1 400 /],
] as const;

for (const [what, request, expected] of NO_HANDSHAKES) {
  test(`a handshake ${what} is a fault of the client`, async (t) => {
    const edge = await serve(t, 'export const onRequest = () => ({ websocket: {} });');

    t.regex(await edge.exchange(request + LAST), expected);

    t.like((await edge.accessLines(1))[0], { fault: 'bad_request', fault_origin: 'client' });
  });
}

for (const how of ['end', 'reset'] as const) {
  test(`the signal aborts if the client leaves by ${how} before the function has answered the handshake`, async (t) => {
    const edge = await serve(
      t,
      `let state = 'not called';
      export const onRequestPost = () => state;
      export const onRequestGet = ({ request }) => new Promise((resolve) => {
        state = 'called';
        request.signal.addEventListener('abort', () => { state = 'aborted'; resolve({ websocket: {} }); });
      });`,
    );
    const reaches = (expected: string) =>
      untilResult(
        async () => (await fetch(`${edge.url}/chat`, { method: 'POST' })).json(),
        (state) => state === expected,
      );
    const client = await edge.connect();
    client.write(`${HANDSHAKE}early`);
    await reaches('called');

    client[how]();

    await t.notThrowsAsync(reaches('aborted'));
  });
}

test('a handshake for a function that does not load gets 500 and is not forwarded to the hop', async (t) => {
  const edge = await serve(t, 'throw new Error("mine"); export const onRequest = () => ({ websocket: {} });');

  t.regex(await edge.exchange(HANDSHAKE + LAST), /^HTTP\/1\.1 500 /);
});

test('no WebSocket is opened during a drain', async (t) => {
  const edge = await serve(
    t,
    `export const onRequest = ({ request }) => new Promise((resolve) => {
      globalThis.openAtLast = () => resolve({ websocket: {} });
    });`,
  );
  const client = await edge.connect();
  client.write(HANDSHAKE);
  await until(() => typeof Reflect.get(globalThis, 'openAtLast') === 'function', 'the call of the function');

  const drained = edge.close();
  Reflect.get(globalThis, 'openAtLast')();

  t.regex(await client.readToEnd(), /^HTTP\/1\.1 503 /);
  await drained;
});
