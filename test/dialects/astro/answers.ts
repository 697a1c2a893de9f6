import { once } from 'node:events';
import { Agent, get, type IncomingMessage, request } from 'node:http';
import test from 'ava';
import { BUILDS, nameOf } from '../../helpers/astro-builds.ts';
import { startAstroEdge } from '../../helpers/astro-edge.ts';
import { fakeBuild } from '../../helpers/fake-build.ts';
import { listenersOn } from '../../helpers/socket-listeners.ts';
import { until } from '../../helpers/until.ts';

const MEGABYTES = 300;
/** More than the buffers of both sockets hold. */
const MOST_AHEAD = 24 * 1024 ** 2;

for (const build of BUILDS) {
  test.serial(
    `${nameOf(build)} waits while a client stops reading ${MEGABYTES} MiB, and the client then gets all of it`,
    async (t) => {
      const edge = await startAstroEdge(t, { ...build, env: { CLIENT_IDLE_TIMEOUT: '0' } });
      const facts = newFacts();
      const before = process.memoryUsage().arrayBuffers;
      const warnings: Error[] = [];
      const warn = (warning: Error): void => void warnings.push(warning);
      process.on('warning', warn);
      t.teardown(() => process.off('warning', warn));

      const response = await open(`${edge.url}/api/stream?megabytes=${MEGABYTES}`);
      await settled(() => facts.pulled);

      t.true(facts.pulled * 65_536 < MOST_AHEAD, `${facts.pulled} chunks were made`);
      t.true(process.memoryUsage().arrayBuffers - before < MOST_AHEAD);
      let bytes = 0;
      for await (const chunk of response) bytes += chunk.length;
      t.is(bytes, MEGABYTES * 1024 ** 2);
      t.deepEqual(warnings, [], 'a wait leaves no listener');
      const [line] = await edge.accessLines(1);
      t.like(line, {
        status: '200',
        response_body_bytes: String(bytes),
        content_type: 'application/octet-stream',
        route: '/api/stream',
        target: 'dist/server/entry.mjs',
        fault: '',
      });
    },
  );

  test.serial(`a client that leaves ends the stream of ${nameOf(build)} and aborts its signal`, async (t) => {
    const edge = await startAstroEdge(t, build);
    const facts = newFacts();
    const response = await open(`${edge.url}/api/stream?megabytes=${MEGABYTES}`);
    await settled(() => facts.pulled);

    response.destroy();

    await until(() => facts.cancelled === 1 && facts.aborted === 1, 'the end of the stream');
    t.like((await edge.accessLines(1))[0], { status: '200' });
  });

  test(`a body of ${nameOf(build)} that fails cuts the connection and is logged`, async (t) => {
    const edge = await startAstroEdge(t, build);

    const answer = await edge.exchange('GET /api/broken HTTP/1.1\r\nHost: a\r\n\r\n');

    t.regex(answer, /first part\r\n$/);
    t.notRegex(answer, /Internal server error/);
    t.like((await edge.accessLines(1))[0], { status: '200', fault: 'function_error', fault_origin: 'function' });
    await edge.close();
    const [line] = await edge.errorLines();
    t.regex(JSON.stringify(line), /the rest is lost/);
  });

  test(`a hundred requests on one connection leave no listener of ${nameOf(build)} on it`, async (t) => {
    const edge = await startAstroEdge(t, build);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.teardown(() => agent.destroy());
    let counts: number[] = [];
    for (const path of Array.from({ length: 25 }, () => ['/users/7', '/api/echo', '/nothing', '/failing']).flat()) {
      await drain(await open(`${edge.url}${path}`, agent));
      counts = [...counts, listenersOn(edge.port)];
    }

    t.is(Math.max(...counts.slice(4)), Math.min(...counts.slice(4)));
  });

  test(`a HEAD of ${nameOf(build)} gets the head of a GET and ends at once, also for a long body`, async (t) => {
    const edge = await startAstroEdge(t, build);
    const agent = new Agent();

    const head = request(`${edge.url}/api/stream?megabytes=100000`, { method: 'HEAD', agent }).end();
    const [response] = (await once(head, 'response')) as [IncomingMessage];
    await drain(response);

    t.is(response.statusCode, 200);
    t.is(response.headers['content-type'], 'application/octet-stream');
    t.like((await edge.accessLines(1))[0], { response_body_bytes: '0' });
  });

  test(`a page of ${nameOf(build)} streams: its first part is sent before the rest is rendered`, async (t) => {
    const edge = await startAstroEdge(t, build);
    const peer = await edge.connect();

    peer.write('GET /streamed HTTP/1.1\r\nHost: a\r\n\r\n');

    t.notRegex(await peer.readUntil('early'), /late/);
    await peer.readUntil('late');
  });
}

test('a build without a head after FUNCTION_TIMEOUT is answered with 504, and what it writes later is dropped', async (t) => {
  const handler = `globalThis.lateAnswer = () => { response.writeHead(200); response.write('late'); response.end(); };`;
  const edge = await startAstroEdge(t, {
    major: 7,
    root: await fakeBuild(t, { handler }),
    env: { FUNCTION_TIMEOUT: '50ms' },
  });

  const answer = await edge.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  (globalThis as unknown as { lateAnswer(): void }).lateAnswer();

  t.regex(answer, /^HTTP\/1\.1 504 /);
  t.regex(answer, /connection: close/i);
  t.notRegex(answer, /late/);
  await edge.close();
  t.regex(JSON.stringify(await edge.errorLines()), /finished after its timeout/);
});

test('a stream that has begun may take longer than FUNCTION_TIMEOUT', async (t) => {
  const handler = `response.writeHead(200, {}); response.write('one '); setTimeout(() => response.end('two'), 150);`;
  const edge = await startAstroEdge(t, {
    major: 7,
    root: await fakeBuild(t, { handler }),
    env: { FUNCTION_TIMEOUT: '30ms' },
  });

  t.is(await (await fetch(edge.url)).text(), 'one two');
});

test('a build that writes a body for HEAD sees its response close', async (t) => {
  const handler = `response.writeHead(200, {}); response.on('close', () => { response.over = true; });
    (async () => { while (!response.over) response.write('more') || (await response[Symbol.for('nexthop.drained')]()); })();`;
  const edge = await startAstroEdge(t, { major: 7, root: await fakeBuild(t, { handler }) });

  t.is((await fetch(edge.url, { method: 'HEAD' })).status, 200);
});

test('a client that does not read is disconnected if the build cannot wait for it', async (t) => {
  const handler = `response.writeHead(200, {}); for (let at = 0; at < 64; at++) response.write(new Uint8Array(2 ** 20)); response.end();`;
  const edge = await startAstroEdge(t, { major: 7, root: await fakeBuild(t, { handler }) });

  await t.throwsAsync(async () => {
    for await (const _ of await open(edge.url));
  });

  t.like((await edge.accessLines(1))[0], { fault: 'client_left' });
});

for (const [how, text] of [
  ['longer', 'too much'],
  ['shorter', 'no'],
] as const) {
  test(`a response that is ${how} than its Content-Length is cut`, async (t) => {
    const handler = `response.writeHead(200, { 'content-length': '5' }); response.write('${text[0]}'); response.end('${text.slice(1)}');`;
    const edge = await startAstroEdge(t, { major: 7, root: await fakeBuild(t, { handler }) });

    await edge.exchange('GET / HTTP/1.1\r\nHost: a\r\n\r\n');

    t.like((await edge.accessLines(1))[0], { fault: 'function_bad_answer' });
  });
}

test('hop-by-hop headers that a build sets are not sent', async (t) => {
  const handler = `response.writeHead(200, { connection: 'close', 'transfer-encoding': 'gzip', 'x-own': 'yes' }); response.end('ok');`;
  const edge = await startAstroEdge(t, { major: 7, root: await fakeBuild(t, { handler }) });

  const { headers } = await fetch(edge.url);

  t.is(headers.get('x-own'), 'yes');
  t.not(headers.get('connection'), 'close');
  t.is(headers.get('transfer-encoding'), null);
  t.is(headers.get('content-length'), '2');
  t.truthy(headers.get('x-request-id'));
});

interface Facts {
  pulled: number;
  cancelled: number;
  aborted: number;
}

/** Counters that a page of the site increments. */
function newFacts(): Facts {
  const facts: Facts = { pulled: 0, cancelled: 0, aborted: 0 };
  Object.assign(globalThis, { streamFacts: facts });
  return facts;
}

/** Resolves when a number no longer grows. */
async function settled(value: () => number): Promise<void> {
  let last = -1;
  let same = 0;
  await until(() => {
    same = value() === last && last > 0 ? same + 1 : 0;
    last = value();
    return same > 40;
  }, 'the stream to stop');
}

/** Resolves with the head of the response, before any of its body is read. */
async function open(url: string, agent?: Agent): Promise<IncomingMessage> {
  const [response] = (await once(get(url, agent ? { agent } : {}), 'response')) as [IncomingMessage];
  return response;
}

async function drain(response: IncomingMessage): Promise<void> {
  response.resume();
  await once(response, 'end');
}
