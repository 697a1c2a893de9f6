import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { edgeone } from '../../../../src/dialects/edgeone/edgeone.ts';
import { serveDialect } from '../../../helpers/dialect-server.ts';
import { startEdge } from '../../../helpers/edge.ts';
import type { Peer } from '../../../helpers/peer.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';
import { until } from '../../../helpers/until.ts';
import { untilResult } from '../../../helpers/until-result.ts';

/** An agent whose stream gives one event, and each further one when the test asks for it. */
const STREAM = `export async function onRequest(context) {
  const encoder = new TextEncoder();
  let count = 0;
  globalThis.agentState = { signal: context.request.signal, cancelled: false, made: () => count, next: undefined };
  const stream = new ReadableStream({
    async pull(controller) {
      if (count > 0) await new Promise((resolve) => { globalThis.agentState.next = resolve; });
      controller.enqueue(encoder.encode('data: ' + ++count + '\\n\\n'));
      
    },
    cancel() { globalThis.agentState.cancelled = true; },
  }, { highWaterMark: 0 });
  return new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
}`;

interface AgentState {
  readonly signal: AbortSignal;
  readonly cancelled: boolean;
  made(): number;
  readonly next: (() => void) | undefined;
}

const state = (): AgentState => Reflect.get(globalThis, 'agentState') as AgentState;

test.serial(
  'an agent streams: the first event arrives before the second is made, and a client that leaves ends it',
  async (t) => {
    const { url, accessLines } = await startEdge(t, { site: await siteFolder(t, { 'agents/chat/index.ts': STREAM }) });
    const leaving = new AbortController();

    const response = await fetch(`${url}/chat`, {
      method: 'POST',
      headers: { 'makers-conversation-id': 'c-1', 'content-type': 'application/json' },
      body: '{"message":"hi"}',
      signal: leaving.signal,
    });
    const reader = response.body?.getReader();
    const first = await reader?.read();

    t.is(Buffer.from(first?.value ?? []).toString(), 'data: 1\n\n');
    t.is(state().made(), 1);
    t.is(response.headers.get('makers-conversation-id'), 'c-1');
    t.regex(response.headers.get('makers-run-id') ?? '', /^[\da-f-]{36}$/);

    leaving.abort();
    // Without a further write.
    await until(() => state().signal.aborted && state().cancelled, 'signal and cancel');
    t.is(state().made(), 1);
    const [line, ...more] = await accessLines(1);
    t.like(line, { status: '200', fault: 'client_left' });
    t.deepEqual(more, []);
  },
);

for (const [leaving, leave] of [
  ['resets its connection', (client: Peer) => client.reset()],
  ['closes its connection', (client: Peer) => void client.socket.destroy()],
  ['ends its side', (client: Peer) => client.end()],
] as const) {
  test.serial(
    `a client that ${leaving} before an agent has answered fires the signal, and has one line with 499`,
    async (t) => {
      Reflect.deleteProperty(globalThis, 'waiting');
      const { connect, accessLines } = await startEdge(t, {
        site: await siteFolder(t, {
          'agents/wait.js': `export const onRequest = ({ request }) => new Promise((resolve) => {
        globalThis.waiting = request.signal;
        request.signal.addEventListener('abort', () => resolve('late'));
      });`,
        }),
      });
      const signal = (): AbortSignal | undefined => Reflect.get(globalThis, 'waiting') as AbortSignal | undefined;
      const client = await connect();
      client.write('POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
      await until(() => signal() !== undefined, 'the run');

      leave(client);

      await until(() => signal()?.aborted === true, 'the signal');
      const [line, ...more] = await accessLines(1);
      t.like(line, { status: '499', fault: 'client_left', target: 'agents/wait.js' });
      t.deepEqual(more, []);
    },
  );
}

test('an agent gets its conversation, a parsed body and headers of both forms', async (t) => {
  const { url } = await serveDialect(t, edgeone, {
    'agents/chat.js': `export async function onRequestPost(context) {
      const { request, conversation_id, run_id, runId, sandbox, tools, agents, params } = context;
      return {
        body: request.body, text: await request.text(), conversation_id, isRun: run_id === runId && run_id.length === 36,
        types: [request.headers['content-type'], request.headers.get('Content-Type'), Object.keys(request.headers).includes('get')],
        sandbox, agents: typeof agents, all: tools.all(), tool: await tools.commands.execute({}), mcp: tools.toClaudeMcpServer(),
        get: typeof tools.get('commands'), params, span: context.tracer.span('x', (span) => { span.end(); return 5; }),
      };
    }`,
    'agents/nothing.ts': 'export const onRequest = () => undefined;',
    'agents/v1/chat/completions.ts': 'export const onRequest = () => new Response("deep");',
    'agents/users/[id].ts': 'export const onRequest = ({ params }) => params;',
  });
  const headers = { 'content-type': 'application/json', 'conversation-id': 'c' };

  const answer = (await (await fetch(`${url}/chat`, { method: 'POST', headers, body: '{"a":1}' })).json()) as Record<
    string,
    unknown
  >;

  t.like(answer, {
    body: { a: 1 },
    text: '{"a":1}',
    conversation_id: 'c',
    isRun: true,
    types: ['application/json', 'application/json', false],
    sandbox: null,
    agents: 'undefined',
    all: [],
    mcp: { name: 'edgeone', tools: [], allowedTools: [] },
    get: 'undefined',
    span: 5,
  });
  t.like(answer.tool, { isError: true });
  t.is((await fetch(`${url}/nothing`)).status, 204);
  t.is(await (await fetch(`${url}/v1/chat/completions`, { method: 'POST' })).text(), 'deep');
  t.deepEqual(await (await fetch(`${url}/users/7`)).json(), { id: '7' });
  t.is((await fetch(`${url}/chat`)).status, 421);
  const unnamed = await fetch(`${url}/chat`, { method: 'POST' });
  t.is(((await unnamed.json()) as { conversation_id: string }).conversation_id, '');
  t.is(unnamed.headers.get('makers-conversation-id'), null);
});

test('what an agent cannot answer has the code of the platform, and no message of the agent', async (t) => {
  const { url, errorLines } = await startEdge(t, {
    site: await siteFolder(t, {
      'edgeone.json': '{ "agents": { "timeout": 0.05 } }',
      'agents/throws.js': 'export const onRequest = async () => { throw new Error("secret"); };',
      'agents/slow.js':
        'export const onRequest = ({ request }) => new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(request.signal.reason)));',
      'agents/endless.js':
        'export const onRequest = () => new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array([65])); } }));',
      'agents/echo.js': 'export const onRequest = ({ request }) => request.body ?? null;',
    }),
  });
  const ask = async (path: string, init: RequestInit = {}): Promise<readonly [number, string | undefined, string]> => {
    const response = await fetch(url + path, { method: 'POST', ...init });
    const text = await response.text();
    return [response.status, (JSON.parse(text) as { code?: string }).code, text];
  };

  const [status, code, text] = await ask('/throws', { headers: { 'conversation-id': 'c' } });
  t.deepEqual([status, code, text.includes('secret')], [500, 'AGENT_RUN_ERROR', false]);
  t.like(JSON.parse(text), { conversation_id: 'c' });
  t.deepEqual((await ask('/slow')).slice(0, 2), [408, 'AGENT_RUN_TIMEOUT']);
  t.deepEqual((await ask('/echo', { headers: { 'content-type': 'application/json' }, body: '{' })).slice(0, 2), [
    400,
    'INVALID_REQUEST_BODY',
  ]);
  t.deepEqual((await ask('/echo', { headers: { 'conversation-id': 'x'.repeat(257) } })).slice(0, 2), [
    400,
    'INVALID_CONVERSATION_ID',
  ]);
  // The head is sent: the limit cuts the stream.
  await t.throwsAsync(fetch(`${url}/endless`).then((response) => response.text()));
  await untilResult(errorLines, (lines) => JSON.stringify(lines).includes('secret'));
});

test('files below agents/ that begin with "_" are no routes, and are not loaded by themselves', async (t) => {
  const { reading } = await serveDialect(t, edgeone, {
    'agents/_lib/x.ts': 'throw new Error("loaded"); export const onRequest = () => 1;',
    'agents/a/_b/c.ts': 'throw new Error("loaded"); export const onRequest = () => 1;',
    'agents/_shared.ts': 'throw new Error("loaded"); export const onRequest = () => 1;',
    'agents/chat.ts': 'export const onRequest = () => 1;',
    'cloud-functions/chat.js': 'export const onRequest = () => 2;',
  });

  t.deepEqual(
    reading.routes.filter(({ step }) => step === 4).map(({ pattern, file }) => `${pattern.text} ${file}`),
    ['/chat agents/chat.ts', '/chat/stop agents/chat.ts', '/chat cloud-functions/chat.js'],
  );
  t.deepEqual(reading.problems, []);
});

test('the start names files that use what agents do not have here, and agents.mcp', async (t) => {
  const { reading } = await serveDialect(t, edgeone, {
    'edgeone.json':
      '{ "agents": { "mcp": { "enabled": true }, "framework": "basic", "sandbox": { "timeout": 5 }, "tiemout": 3 } }',
    'agents/chat.ts': `import { run } from './_run.ts';
      // context.tools
      export const onRequest = (context) => run(context);`,
    'agents/_run.ts': 'export const run = (context) => context.tools.all() && context.sandbox?.runCode;',
    'agents/graph.ts': `// langgraphStore
      export const onRequest = ({ store: { langgraphCheckpointer } }) => langgraphCheckpointer;`,
    'cloud-functions/graph.ts': 'export const onRequest = ({ agent }) => agent.store.langgraphStore;',
  });

  t.deepEqual(
    reading.problems.map(({ file, line, message }) => `${file}:${line} ${message.split(/[,:;]/, 1)}`),
    [
      'edgeone.json:1 agents.tiemout is not used',
      'edgeone.json:1 agents.mcp is not used',
      'agents/_run.ts:1 reads context.tools',
      'agents/_run.ts:1 reads context.sandbox',
      'agents/graph.ts:2 reads langgraphCheckpointer',
      'cloud-functions/graph.ts:1 reads langgraphStore',
    ],
  );
});

test('a middleware protects an agent in every spelling of its path', async (t) => {
  const { connect } = await startEdge(t, {
    site: await siteFolder(t, {
      'middleware.js': `export const config = { matcher: '/chat/:path*' };
        export const middleware = () => new Response('no', { status: 401 });`,
      'agents/chat.ts': 'export const onRequest = () => new Response("agent");',
    }),
    env: { NEXT_HOP: 'http://127.0.0.1:9' },
  });

  for (const path of ['/chat', '/chat/', '//chat', '/%63hat', '/x/..%2fchat', '/chat/stop']) {
    const peer = await connect();
    peer.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    t.regex(await peer.readToEnd(), /^HTTP\/1\.1 401 /, path);
  }
});

test('values of context.kv belong to one agent', async (t) => {
  const agent = `export const onRequest = async ({ kv, request }) => {
    if (request.method === 'PUT') return kv.set('k', request.body, request.query.ttl && Number(request.query.ttl));
    if (request.method === 'DELETE') return kv.delete('k');
    return { value: (await kv.get('k')) ?? null, list: await kv.list({ prefix: 'k' }) };
  };`;
  const { url } = await startEdge(t, { site: await siteFolder(t, { 'agents/a.js': agent, 'agents/b.js': agent }) });
  const put = (query = ''): Promise<Response> =>
    fetch(`${url}/a${query}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"n":1}' });
  const read = async (path: string): Promise<unknown> => {
    const text = await (await fetch(url + path)).text();
    t.regex(text, /^\{/);
    return JSON.parse(text);
  };

  await put();
  t.deepEqual(await read('/a'), { value: { n: 1 }, list: { keys: ['k'], complete: true } });
  t.deepEqual(await read('/b'), { value: null, list: { keys: [], complete: true } });
  await put('?ttl=0.01');
  await delay(30);
  t.like(await read('/a'), { value: null });
  await put();
  await fetch(`${url}/a`, { method: 'DELETE' });
  t.like(await read('/a'), { value: null });
});
