import { createServer } from 'node:http';
import test from 'ava';
import { edgeone } from '../../../../src/dialects/edgeone/edgeone.ts';
import { serveDialect } from '../../../helpers/dialect-server.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { listen } from '../../../helpers/listen.ts';
import { runNexthop } from '../../../helpers/process.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const HELLO = 'export const onRequest = () => new Response("edge");';

/** Answers 401 unless the request has the right cookie. */
const GUARD = `export function onRequest({ request }) {
  return new Response('no', { status: request.headers.get('cookie') === 'key=1' ? 200 : 401 });
}`;

test('an edge function shadows a file and a cloud function of its path', async (t) => {
  const site = await siteFolder(t, {
    'edge-functions/page.js': HELLO,
    'cloud-functions/page.js': 'export const onRequest = () => 1;',
    'public/page.html': 'file',
    'public/other.html': 'file',
  });
  const { url, edge } = await startEdge(t, { site });

  t.is(await (await fetch(`${url}/page`)).text(), 'edge');
  t.is(await (await fetch(`${url}/other`)).text(), 'file');
  t.true(
    edge.site.problems.some(
      ({ file, message }) =>
        file === 'cloud-functions/page.js' &&
        message.includes('never answers /page: edge-functions/page.js answers first'),
    ),
  );
});

const COVERED = 'export const onRequest = () => new Response("cloud");';
const SENDS_ON = 'export const onRequest = ({ request }) => fetch(request);';

for (const [what, edge, cloud, isReported] of [
  ['an edge function of all paths covers', ['api/[[default]].js', HELLO], ['api/images/upload.js', COVERED], true],
  ['an edge function of a param covers', ['api/[id].js', HELLO], ['api/users.js', COVERED], true],
  ['an edge function of all methods covers', ['[[all]].js', HELLO], ['a/[[rest]].js', COVERED], true],
  ['an edge function that sends requests on gets first', ['[[all]].js', SENDS_ON], ['a/b.js', COVERED], false],
  [
    'an edge function of GET alone covers',
    ['[[all]].js', HELLO.replace('onRequest', 'onRequestGet')],
    ['a.js', COVERED],
    false,
  ],
  ['no edge function covers', ['api/[id].js', HELLO], ['api/a/b.js', COVERED], false],
  ['no edge function of another folder covers', ['apis/[[rest]].js', HELLO], ['api/a.js', COVERED], false],
] as const) {
  test(`a cloud function that ${what} is ${isReported ? '' : 'not '}reported`, async (t) => {
    const { reading } = await serveDialect(t, edgeone, {
      [`edge-functions/${edge[0]}`]: edge[1],
      [`cloud-functions/${cloud[0]}`]: cloud[1],
    });

    const problems = reading.problems.map(({ file, message }) => `${file} ${message}`);
    const expected = `cloud-functions/${cloud[0]} never answers`;
    t.deepEqual(
      problems.map((text) => text.slice(0, expected.length)),
      isReported ? [expected] : [],
    );
    if (isReported) t.true(problems[0]?.includes(`edge-functions/${edge[0]} gets it first`));
  });
}

test('no spelling of a path passes an edge function that protects it', async (t) => {
  const { url, connect } = await startEdge(t, {
    site: await siteFolder(t, {
      'edge-functions/admin/[[rest]].js': GUARD,
      'edge-functions/admin/index.js': GUARD,
      'public/admin/a.html': 'secret',
      'public/index.html': 'home',
    }),
    env: { NEXT_HOP: 'http://127.0.0.1:9' },
  });

  for (const path of [
    ...['/admin/a', '/admin/a.html', '/admin', '/admin/', '//admin/a.html', '/%61dmin/a.html', '/x/../admin/a.html'],
    ...['/x/%2e%2e/admin/a.html', '/x/..%2fadmin/a.html', '/admin%2fa.html', '/admin\\a.html', '/%2561dmin/a.html'],
  ]) {
    const peer = await connect();
    peer.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    t.regex(await peer.readToEnd(), /^HTTP\/1\.1 401 /, path);
  }
  t.is((await fetch(`${url}/`)).status, 200);
  t.is((await fetch(`${url}/admin/x`, { headers: { cookie: 'key=1' } })).status, 200);
});

for (const [what, sibling] of [
  ['a catch-all', 'edge-functions/[[all]].js'],
  ['a parameter', 'edge-functions/[id].js'],
] as const) {
  test(`no spelling of a path passes an edge function beside ${what} that goes on to the hop`, async (t) => {
    const hop = await listen(
      t,
      createServer((request, response) => response.end(`hop ${request.url}`)),
    );
    const { connect } = await startEdge(t, {
      site: await siteFolder(t, {
        'edge-functions/admin/[[path]].js': GUARD,
        [sibling]: 'export const onRequest = ({ request }) => fetch(request);',
      }),
      env: { NEXT_HOP: hop },
    });

    for (const path of ['/admin/x', '/x/%2e%2e/admin/x', '/admin//x', '/admin%2fx', '/%2561dmin/x', '/admin%5cx']) {
      const peer = await connect();
      peer.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      t.regex(await peer.readToEnd(), /^HTTP\/1\.1 401 /, path);
    }
  });
}

test('request.eo has the client, numbers in its location, and the id of the request', async (t) => {
  const { url } = await startEdge(t, {
    site: await siteFolder(t, {
      'edge-functions/eo.js':
        'export const onRequest = ({ request, eo }) => Response.json([request.eo, eo === request.eo]);',
    }),
    env: { TRUSTED_PROXIES: 'all' },
  });
  const headers = {
    'eo-connecting-geo': encodeURIComponent(
      'asn=30619 nation_name="Mozambique" region_code=MZ-MPM latitude=-25.9 longitude=x',
    ),
    'eo-log-uuid': 'an-id',
    'true-client-ip': '203.0.113.9',
  };

  const [eo, isSame] = (await (await fetch(`${url}/eo`, { headers })).json()) as [object, boolean];

  t.true(isSame);
  t.deepEqual(eo, {
    geo: { asn: 30_619, countryName: 'Mozambique', countryCodeAlpha2: 'MZ', regionCode: 'MZ-MPM', latitude: -25.9 },
    uuid: 'an-id',
    clientIp: '203.0.113.9',
  });
});

test('an app with fetch gets the whole path, also of its bare folder, and waitUntil', async (t) => {
  const { url } = await serveDialect(
    t,
    edgeone,
    {
      'edge-functions/api/[[path]].js': `import { Hono } from 'hono';
        const app = new Hono();
        app.get('/api', (c) => c.text('bare'));
        app.get('/api/:id', (c) => { c.executionCtx.waitUntil(Promise.resolve()); return c.text(c.req.param('id') + c.env.NAME); });
        export default app;`,
    },
    { env: { NAME: '!' } },
  );

  t.is(await (await fetch(`${url}/api`)).text(), 'bare');
  t.is(await (await fetch(`${url}/api/x`)).text(), 'x!');
  t.is((await fetch(`${url}/api/x/y`)).status, 404);
});

for (const [title, code] of Object.entries({
  'does not load': 'export const onRequest = () => new Response("1"); throw new Error("broken");',
  'does not compile': 'export const onRequest = () => {',
  throws: 'export const onRequest = () => { throw new Error("broken"); };',
  'returns no Response': 'export const onRequest = () => ({ a: 1 });',
  'returns nothing': 'export const onRequest = () => undefined;',
})) {
  test(`an edge function that ${title} answers 500, and its file stays closed`, async (t) => {
    const { url } = await startEdge(t, {
      site: await siteFolder(t, { 'edge-functions/a.js': code, 'public/a.html': 'secret' }),
    });

    const response = await fetch(`${url}/a`);

    t.is(response.status, 500);
    t.false((await response.text()).includes('secret'));
  });
}

test('fetch takes the options of the platform, and does not use them', async (t) => {
  const { url } = await serveDialect(t, edgeone, {
    'edge-functions/origin.js': HELLO,
    'edge-functions/a.js': `export const onRequest = ({ request }) =>
      fetch(new URL('/origin', request.url), { eo: { cacheTtl: 5, image: { format: 'webp' } } });`,
  });

  t.is(await (await fetch(`${url}/a`)).text(), 'edge');
});

test('functions/ holds edge functions, unless it is of another platform or edge-functions/ is there', async (t) => {
  const rows = [
    { files: {}, status: 200 },
    { files: { 'netlify.toml': '[build]\n  functions = "functions/"' }, status: 421 },
    { files: { 'functions/_middleware.js': HELLO }, status: 421 },
    { files: { 'edge-functions/b.js': HELLO }, status: 421, problem: /^is not used, because edge-functions is there/ },
  ];

  for (const { files, status, problem } of rows) {
    const { url, reading } = await serveDialect(t, edgeone, {
      'functions/a.js': `import { help } from './helper.js'; ${HELLO} help;`,
      'functions/helper.js': 'export const help = 1;',
      ...files,
    });
    t.is((await fetch(`${url}/a`)).status, status, Object.keys(files).join());
    if (problem) t.regex(reading.problems.map(({ message }) => message).join(), problem);
    else t.deepEqual(reading.problems, []);
  }
});

test('with EDGE_FUNCTIONS=ignore no edge function runs, and each start says so', async (t) => {
  const site = await siteFolder(t, { 'edge-functions/a.js': HELLO, 'public/a.html': 'file' });
  const { url, edge } = await startEdge(t, { site, env: { EDGE_FUNCTIONS: 'ignore' } });

  t.is(await (await fetch(`${url}/a`)).text(), 'file');
  t.deepEqual(
    edge.site.problems.map(({ severity, file, message }) => `${severity} ${file} ${message}`),
    [
      'warning edge-functions holds edge functions that are not run, because EDGE_FUNCTIONS is "ignore": edge-functions/a.js',
    ],
  );
});

test('nexthop build exits with 1 if an edge function does not compile', async (t) => {
  const site = await siteFolder(t, { 'edge-functions/[[all]].js': 'export const onRequest = () => {' });

  const run = await runNexthop(t, { args: ['build', site] });

  t.is(await run.exited, 1);
  t.regex(run.output(), /edge-functions\/\[\[all\]\]\.js:1/);
});

test('fetch of the requested URL gives what follows edge functions, once, and with a changed body', async (t) => {
  const hop = await listen(
    t,
    createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      response.end(`${request.method} ${request.url} ${request.headers['x-own']} ${Buffer.concat(chunks)}`);
    }),
  );
  const { url } = await startEdge(t, {
    site: await siteFolder(t, {
      'edge-functions/[[path]].js': `export async function onRequest({ request }) {
        const [, how] = new URL(request.url).pathname.split('/');
        if (how === 'body') return fetch(request.url, { method: 'POST', body: (await request.text()).toUpperCase() });
        if (how === 'headers') return fetch(request, { headers: { 'x-own': 'set' } });
        if (how === 'twice') { await fetch(request); return fetch(request).then(() => 1, ({ message }) => new Response(message)); }
        const response = await fetch(request);
        return new Response((await response.text()) + '!', response);
      }`,
      'public/file.txt': 'file',
      'cloud-functions/fn.js': 'export const onRequest = () => new Response("fn");',
    }),
    env: { NEXT_HOP: hop },
  });
  const read = async (path: string, init?: RequestInit): Promise<string> => (await fetch(url + path, init)).text();

  t.is(await read('/file.txt'), 'file!');
  t.is(await read('/fn'), 'fn!');
  t.is(await read('/hop?a=1', { method: 'PUT', body: 'x' }), 'PUT /hop?a=1 undefined x!');
  t.is(await read('/body', { method: 'POST', body: 'text' }), 'POST /body undefined TEXT');
  t.is(await read('/headers', { method: 'POST', body: 'y' }), 'POST /headers set y');
  t.is(await read('/twice'), 'the request was sent to the site a second time: it goes on once');
});
