import { createServer } from 'node:http';
import test from 'ava';
import { edgeone } from '../../../../src/dialects/edgeone/edgeone.ts';
import { serveDialect } from '../../../helpers/dialect-server.ts';
import { type RunningEdge, startEdge } from '../../../helpers/edge.ts';
import { jobAttempt } from '../../../helpers/job-attempt.ts';
import { listen } from '../../../helpers/listen.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

/** A function that keeps what it received in a global, by its file. */
function keep(name: string, handler = 'onRequest'): string {
  return `export async function ${handler}({ request }) {
    const { method, url, headers } = request;
    const list = (globalThis.received ??= {});
    list[${JSON.stringify(name)}] = { method, url, text: await request.clone().text(), headers: Object.fromEntries(headers) };
    return new Response('kept');
  }`;
}

interface Received {
  readonly method: string;
  readonly url: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

function received(name: string): Received | undefined {
  return (Reflect.get(globalThis, 'received') as Record<string, Received> | undefined)?.[name];
}

const AT_MS = Date.UTC(2026, 0, 2, 3, 4);

/** Runs the rule of a schedule as the worker of jobs does. */
async function runSchedule({ edge }: RunningEdge, name: string, signal = AbortSignal.timeout(60_000)): Promise<void> {
  const rule = edge.site.jobRules.find((each) => each.name === `edgeone/${name}`);
  if (!rule) throw new Error(`no rule ${name}: ${edge.site.jobRules.map((each) => each.name)}`);
  await rule.run(jobAttempt({ payload: new TextEncoder().encode(JSON.stringify({ tickMs: AT_MS })), signal }));
}

test('a schedule sends its request to functions of each kind, through the middleware, and to the next hop', async (t) => {
  const hop: string[] = [];
  const hopUrl = await listen(
    t,
    createServer((request, response) => {
      hop.push(`${request.method} ${request.url} ${request.headers['x-edgeone-schedule']}`);
      response.end();
    }),
  );
  const schedules = [
    { cron: '* * * * *', path: '/api/tick?k=1', payload: { a: 1 } },
    { name: 'Täglich', cron: '0 2 * * *', path: '/api/tick', timezone: 'Asia/Shanghai', timeout: 60 },
    { name: 'read', cron: '0 2 * * *', path: '/api/read' },
    { name: 'edge', cron: '0 2 * * *', path: '/edge', method: 'put', payload: [] },
    { name: 'agent', cron: '0 2 * * *', path: '/heartbeat', payload: { beat: 1 } },
    { name: 'app', cron: '0 2 * * *', path: '/app/x', payload: { b: 2 } },
    { name: 'hop', cron: '0 2 * * *', path: '/elsewhere' },
  ];
  const edge = await startEdge(t, {
    site: await siteFolder(t, {
      'edgeone.json': JSON.stringify({ schedules }, undefined, 1),
      'middleware.js':
        'export function middleware({ request, next }) { return next({ request: { headers: { "x-passed": "1" } } }); }',
      'cloud-functions/api/tick.js': keep('tick'),
      'cloud-functions/api/read.js': keep('read', 'onRequestGet'),
      'edge-functions/edge.js': keep('edge'),
      'agents/heartbeat.ts': `export const onRequest = ({ request, conversation_id }) => {
          const { method, url, headers, body } = request;
          globalThis.received.agent = { method, url, text: JSON.stringify({ body, conversation_id }), headers };
        };`,
      'cloud-functions/app/[[all]].js': `const app = (request, response) => {
          let text = '';
          request.on('data', (chunk) => { text += chunk; }).on('end', () => {
            globalThis.received.app = { method: request.method, url: request.url, text, headers: request.headers };
            response.end('done');
          });
        };
        export default Object.assign(app, { handle: app, use() {} });`,
    }),
    env: { NEXT_HOP: hopUrl, SITE_URL: 'https://site.example/' },
  });

  t.deepEqual(
    edge.edge.site.jobRules
      .slice(0, 2)
      .map(({ schedule, timezone, timeoutMs, retryAfterMs }) => [schedule, timezone, timeoutMs, retryAfterMs]),
    [
      ['* * * * *', 'UTC', 900_000, [60_000]],
      ['0 2 * * *', 'Asia/Shanghai', 60_000, [60_000]],
    ],
  );
  await runSchedule(edge, '/api/tick?k=1');
  const first = received('tick');
  t.like(first, { method: 'POST', text: '{"a":1}', url: 'http://site.example/api/tick?k=1' });
  t.like(first?.headers, {
    'content-type': 'application/json',
    'user-agent': 'edgeone-schedule',
    'x-edgeone-schedule': '/api/tick?k=1',
    'x-edgeone-schedule-time': '2026-01-02T03:04:00.000Z',
    'x-passed': '1',
    'x-request-id': jobAttempt().id,
  });

  await runSchedule(edge, 'Täglich');
  t.like(received('tick'), { method: 'POST', text: '', url: 'http://site.example/api/tick' });
  t.like(received('tick')?.headers, { 'x-edgeone-schedule': 'T%C3%A4glich', 'content-length': '0' });
  t.false('content-type' in (received('tick')?.headers ?? {}));

  await runSchedule(edge, 'read');
  t.like(received('read'), { method: 'GET', text: '' });
  await runSchedule(edge, 'edge');
  t.like(received('edge'), { method: 'PUT', text: '[]' });
  await runSchedule(edge, 'agent');
  t.like(received('agent'), { method: 'POST', text: '{"body":{"beat":1},"conversation_id":""}' });
  t.like(received('agent')?.headers, { 'x-edgeone-schedule': 'agent' });
  await runSchedule(edge, 'app');
  t.like(received('app'), { method: 'POST', text: '{"b":2}', url: '/x' });
  await runSchedule(edge, 'hop');
  t.deepEqual(hop, ['POST /elsewhere hop']);

  t.deepEqual(
    edge.edge.site.problems.map(({ severity, file, line, message }) => `${severity} ${file}:${line} ${message}`),
    [
      'warning edgeone.json:48 the schedule "hop" calls POST /elsewhere, which no function of the site answers; the next hop gets its requests',
    ],
  );
  const lines = await edge.accessLines(7);
  t.true(
    lines.some(({ status, request }) => status === '200' && request?.includes('/api/read')),
    JSON.stringify(lines),
  );
});

test('headers of a schedule that a client sends never reach the site', async (t) => {
  const edge = await startEdge(t, {
    site: await siteFolder(t, {
      'edgeone.json': JSON.stringify({ schedules: [{ cron: '* * * * *', path: '/a' }] }),
      'cloud-functions/a.js': 'export const onRequest = ({ request }) => Response.json([...request.headers.keys()]);',
    }),
    env: { TRUSTED_PROXIES: 'all' },
  });

  const response = await fetch(`${edge.url}/a`, {
    headers: { 'X-EdgeOne-Schedule': 'x', 'x-edgeone-schedule-time': 'y' },
  });

  t.deepEqual(
    ((await response.json()) as string[]).filter((name) => name.startsWith('x-edgeone')),
    [],
  );
});

test('a run fails by a status of 500 or more and by its time limit, and not by 404', async (t) => {
  const edge = await startEdge(t, {
    site: await siteFolder(t, {
      'edgeone.json': JSON.stringify({
        schedules: ['/throws', '/missing', '/slow'].map((path) => ({ cron: '* * * * *', path, name: path.slice(1) })),
      }),
      'cloud-functions/throws.js': 'export const onRequest = () => { throw new Error("x"); };',
      'cloud-functions/missing.js': 'export const onRequest = () => new Response("", { status: 404 });',
      'cloud-functions/slow.js':
        'export const onRequest = ({ request }) => new Promise(() => { globalThis.slowSignal = request.signal; });',
    }),
  });

  await t.throwsAsync(runSchedule(edge, 'throws'), { message: 'POST /throws answered 500' });
  await t.notThrowsAsync(runSchedule(edge, 'missing'));
  const limit = new AbortController();
  const slow = runSchedule(edge, 'slow', limit.signal);
  limit.abort(new Error('the limit'));
  await t.throwsAsync(slow, { message: 'the limit' });
});

test('each mistake in a schedule is reported with its line, and the others run', async (t) => {
  const good = '{ "cron": "0 3 * * *", "path": "/a" }';
  const { reading } = await serveDialect(t, edgeone, {
    'edgeone.json': `{ "schedules": [
      { "cron": "0 3 * * *", "path": "/b", "timezone": "Mars/X" },
      { "cron": "often", "path": "/c" },
      { "cron": "0 0 30 2 *", "path": "/d" },
      { "cron": "0 3 * * *", "path": "e" },
      { "cron": "0 3 * * *", "path": "/f", "method": "GET", "payload": {} },
      { "cron": "0 3 * * *", "path": "/g", "timeout": -1, "tymezone": "UTC" },
      ${good},
      { "name": "/a", "cron": "0 4 * * *", "path": "/h" }
    ] }`,
  });

  t.deepEqual(
    reading.jobRules?.map(({ name }) => name),
    ['edgeone//a'],
  );
  t.deepEqual(
    reading.problems.map(({ line, severity, message }) => `${line} ${severity} ${message.replace(/ .*/, '')}`),
    [
      '2 error schedules[0].timezone',
      '3 error schedules[1].cron',
      '4 error schedules[2].cron',
      '5 error schedules[3].path',
      '6 error schedules[4].payload',
      '7 warning schedules[5].tymezone',
      '7 error schedules[5].timeout',
      '9 error schedules[7].name',
    ],
  );
  t.regex(reading.problems[5]?.message ?? '', /did you mean timezone\?$/);
});

test('a schedule whose path no function answers is an error if there is no next hop', async (t) => {
  const { edge } = await startEdge(t, {
    site: await siteFolder(t, { 'edgeone.json': '{ "schedules": [\n{ "cron": "0 3 * * *", "path": "/none" }] }' }),
  });

  t.like(edge.site.problems[0], { severity: 'error', file: 'edgeone.json', line: 2 });
  t.regex(edge.site.problems[0]?.message ?? '', /"\/none" calls POST \/none, .* NEXT_HOP is not set$/);
});
