import test, { type ExecutionContext } from 'ava';
import { type RunningEdge, startEdge } from '../../helpers/edge.ts';
import { scriptedHop } from '../../helpers/peer.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

const NAMES = ['x-forwarded-for', 'x-forwarded-proto', 'x-nf-client-connection-ip', 'forwarded', 'x-real-ip'];

/** Functions of both generations. Each responds with the headers above as it sees them. */
const FUNCTIONS = {
  'netlify/functions/modern.mts': `
    export default (request: Request) => Response.json(${JSON.stringify(NAMES)}.map((name) => request.headers.get(name)));
    export const config = { path: "/modern" };`,
  'netlify/functions/lambda.mts': `
    export const handler = async ({ headers, multiValueHeaders }) => {
      const values = ${JSON.stringify(NAMES)}.map((name) => headers[name] ?? null);
      const lists = ${JSON.stringify(NAMES)}.map((name) => multiValueHeaders[name]?.join(", ") ?? null);
      return { statusCode: JSON.stringify(values) === JSON.stringify(lists) ? 200 : 500, body: JSON.stringify(values) };
    };`,
};

const PATHS = ['/modern', '/.netlify/functions/lambda'];

async function serve(t: ExecutionContext, env: Readonly<Record<string, string>>): Promise<RunningEdge> {
  return startEdge(t, { site: await siteFolder(t, FUNCTIONS), env });
}

/** The headers that each generation sees for a request with these lines. */
async function seen(edge: RunningEdge, ...lines: string[]): Promise<unknown[]> {
  return Promise.all(
    PATHS.map(async (path) => {
      const head = [`GET ${path} HTTP/1.1`, 'Host: a.example', 'Connection: close', ...lines].join('\r\n');
      const answer = await edge.exchange(`${head}\r\n\r\n`);
      return JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
    }),
  );
}

const DIRECT = ['127.0.0.1', 'http', '127.0.0.1', null, null];

test('functions see address and scheme of a direct client that sent neither', async (t) => {
  t.deepEqual(await seen(await serve(t, { TRUSTED_PROXIES: 'none' })), [DIRECT, DIRECT]);
});

test('client headers from an untrusted client reach no function', async (t) => {
  const edge = await serve(t, { TRUSTED_PROXIES: 'none' });
  const forged = [
    ...[
      'X-Forwarded-For: 6.6.6.6',
      'x-forwarded-for: 7.7.7.7, 8.8.8.8',
      'X_Forwarded_For: 9.9.9.9',
      'X-Real-IP: 6.6.6.6',
    ],
    ...[
      'X-Forwarded-Proto: https',
      'X-Nf-Client-Connection-Ip: 6.6.6.6',
      'Forwarded: for=6.6.6.6',
      'True-Client-IP: 6.6.6.6',
    ],
  ];

  t.deepEqual(await seen(edge, ...forged), [DIRECT, DIRECT]);
});

test('client headers of a trusted peer reach functions unchanged, byte for byte', async (t) => {
  const edge = await serve(t, { TRUSTED_PROXIES: 'all' });
  const clientHeaders = [
    'X-Forwarded-For: 203.0.113.7, 10.0.0.1',
    'X-Forwarded-Proto: https',
    'True-Client-IP: 203.0.113.7',
  ];
  const expected = ['203.0.113.7, 10.0.0.1', 'https', '203.0.113.7', null, null];

  t.deepEqual(await seen(edge, ...clientHeaders), [expected, expected]);
});

test('the client address that a trusted peer sends in another header is in x-forwarded-for too', async (t) => {
  const edge = await serve(t, { TRUSTED_PROXIES: 'all' });
  const expected = ['203.0.113.7', 'http', '203.0.113.7', null, null];

  t.deepEqual(await seen(edge, 'True-Client-IP: 203.0.113.7'), [expected, expected]);
  t.deepEqual(await seen(edge, 'True-Client-IP: 203.0.113.7', 'X-Forwarded-For:'), [expected, expected]);
});

test('the next hop gets no such headers, also for a request that a function then handles', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
  });
  const text = `
    export default (request: Request) => new Response(request.headers.get("x-forwarded-for"));
    export const config = { path: "/late", preferStatic: true };`;
  const site = await siteFolder(t, { 'netlify/functions/late.mts': text });
  const edge = await startEdge(t, { site, env: { NEXT_HOP: hop.url, TRUSTED_PROXIES: 'none' } });

  const answer = await (await fetch(`${edge.url}/late`)).text();

  t.is(answer, '127.0.0.1');
  t.regex(hop.peers[0]?.received ?? '', /^GET \/late HTTP/);
  t.notRegex(hop.peers[0]?.received ?? '', /^x-(?:forwarded|nf)-/im);
});
