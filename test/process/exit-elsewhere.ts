import test, { type ExecutionContext } from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { type RunningProcess, runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const GOOD = 'export const onRequest = () => new Response("good");';

async function serve(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<RunningProcess> {
  return startNexthop(t, { site: await siteFolder(t, { 'cloud-functions/good.js': GOOD, ...files }) });
}

function get({ port }: RunningProcess, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`);
}

test.serial(
  'a function whose file ends the process while it loads is not loaded, and only its route gets 500',
  async (t) => {
    const statements = {
      exits: 'process.exit(1);',
      catches: 'try { process.exit(1); } catch {}',
      aborts: 'await 1;\nprocess.abort();',
    };
    const files = Object.entries(statements).map(([name, statement]) => [
      `cloud-functions/${name}.js`,
      `${statement}\n${GOOD}`,
    ]);
    const running = await serve(t, Object.fromEntries(files));

    for (const name of Object.keys(statements)) {
      t.is((await get(running, `/${name}`)).status, 500, name);
      const file = `cloud-functions\\/${name}\\.js`;
      t.regex(running.output(), new RegExp(`error {5}${file}.* process\\.\\w+\\(1?\\) at ${file}:\\d+:\\d+ `));
    }
    t.is(await (await get(running, '/good')).text(), 'good');
  },
);

test.serial('process.exit in a promise of a loaded file is logged once, and its route answers', async (t) => {
  const running = await serve(t, {
    'cloud-functions/late.js': `Promise.reject(new Error('no database')).catch(() => setTimeout(() => process.exit(1), 50));\n${GOOD}`,
  });

  const lines = await complaints(running);

  t.is(await (await get(running, '/late')).text(), 'good');
  t.is(lines.length, 1);
  t.regex(JSON.stringify(lines), /process\.exit\(1\) at cloud-functions\/late\.js:1:\d+/);
});

test.serial('a middleware that calls process.exit gets 500, also if it catches the exception', async (t) => {
  const running = await serve(t, {
    'middleware.js': `export function middleware({ request, next }) {
      if (request.url.endsWith('/open')) return next();
      if (request.url.endsWith('/caught')) try { process.exit(1); } catch { return next(); }
      process.exit(1);
    }`,
    'cloud-functions/open.js': GOOD,
    'cloud-functions/caught.js': GOOD,
  });

  t.is((await get(running, '/good')).status, 500);
  t.is((await get(running, '/caught')).status, 500);
  t.is(await (await get(running, '/open')).text(), 'good');
  const lines = await complaints(running, 2);
  t.is(lines.length, 2);
  t.regex(JSON.stringify(lines[0]), /process\.exit\(1\) at middleware\.js:4:/);
});

test.serial(
  'an Express app that calls process.exit gets 500, in its routes and in listeners of the request',
  async (t) => {
    const running = await serve(t, {
      'cloud-functions/[[all]].js': `import { createRequire } from 'node:module';
      const app = (request, response) => {
        if (request.url === '/caught') try { process.exit(1); } catch { return response.end('caught'); }
        if (request.url === '/event') return request.on('data', () => {}).on('end', () => process.exit(1));
        response.end('app');
      };
      export default Object.assign(app, { use() {}, handle() {} });`,
    });
    const post = (path: string) =>
      fetch(`http://127.0.0.1:${running.port}${path}`, { method: 'POST', body: 'x'.repeat(9) });

    t.is((await post('/caught')).status, 500);
    t.is((await post('/event')).status, 500);
    t.is(await (await post('/app')).text(), 'app');
    const lines = await complaints(running, 2);
    t.is(lines.length, 2);
  },
);

test.serial('process.exit while a response streams cuts the connection and is logged once', async (t) => {
  const running = await serve(t, {
    'cloud-functions/stream.js': `export const onRequest = () => {
      setTimeout(() => process.exit(1), 100);
      return new Response(new ReadableStream({ start: (c) => c.enqueue(new TextEncoder().encode('first')) }));
    };`,
  });

  const response = await get(running, '/stream');

  await t.throwsAsync(response.text());
  t.is(await (await get(running, '/good')).text(), 'good');
  const lines = await complaints(running);
  t.is(lines.length, 1);
  t.like(lines[0], { code: 'function_error', target: 'cloud-functions/stream.js' });
});

test.serial(
  'modern and Lambda-compatible functions of Netlify that call process.exit get 500 and are logged once',
  async (t) => {
    const running = await serve(t, {
      'netlify/functions/modern.mjs':
        'export default async () => { await 1; process.exit(1); }; export const config = { path: "/modern" };',
      'netlify/functions/lambda.mjs': 'export const handler = async () => { await 1; process.exit(1); };',
    });

    t.is((await get(running, '/modern')).status, 500);
    t.is((await get(running, '/.netlify/functions/lambda')).status, 500);
    t.is(await (await get(running, '/good')).text(), 'good');
    const lines = await complaints(running, 2);
    t.is(lines.length, 2);
    t.like(lines[0], { code: 'function_error', target: 'netlify/functions/modern.mjs' });
    t.like(lines[1], { code: 'function_error', target: 'netlify/functions/lambda.mjs' });
  },
);

test.serial('a background function that calls process.exit fails, with the reason in its job', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/good.js': GOOD,
    'netlify/functions/bad-background.mjs': `export default async () => {
      try { process.exit(1); } catch {}
      await 1;
    };`,
  });
  const running = await startNexthop(t, { site });

  t.is((await get(running, '/.netlify/functions/bad-background')).status, 202);

  const lines = await complaints(running);
  t.is(lines.length, 1);
  t.like(lines[0], { target: 'netlify/functions/bad-background.mjs', attempt: 1, again_in_ms: 60_000 });
  const shown = await untilResult(
    async () => {
      const jobs = await runNexthop(t, { args: ['jobs', '--json', '--site', site] });
      await jobs.exited;
      return JSON.parse(jobs.stdout()).jobs[0];
    },
    (job) => job.failures === 1,
  );
  t.regex(shown.reason, /process\.exit\(1\) at netlify\/functions\/bad-background\.mjs:2:\d+ does not end the process/);
});

test.serial('nexthop routes lists the other functions if one calls process.exit while it loads', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/good.js': GOOD,
    'cloud-functions/bad.js': `process.on('SIGTERM', () => {}); process.exit(7);\n${GOOD}`,
  });

  const running = await runNexthop(t, { args: ['routes', site, '--json'] });

  t.is(await running.exited, 1);
  const { routes, problems } = JSON.parse(running.stdout());
  t.deepEqual(routes.map(({ pattern }: { pattern: string }) => pattern).toSorted(), ['/bad', '/good']);
  t.regex(JSON.stringify(problems), /process\.exit\(7\) at cloud-functions\/bad\.js:1:\d+/);
});
