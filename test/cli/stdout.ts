import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const TALKATIVE = {
  'cloud-functions/talk.js': `import { writeSync } from 'node:fs';
    console.log('by the console');
    console.info('for information');
    console.table([{ in: 'a table' }]);
    process.stdout.write('by the stream\\n');
    writeSync(process.stdout.fd, 'by the descriptor\\n');
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.stdout.write('without a line end');
    export const onRequest = () => new Response('hello');`,
  'netlify/functions/later-background.mjs': `setTimeout(() => console.log('later')); export default () => {};`,
};

test("output of the site's code during the load is not mixed with the JSON of routes", async (t) => {
  const site = await siteFolder(t, TALKATIVE);

  const running = await runNexthop(t, { args: ['routes', site, '--json'] });

  t.is(await running.exited, 0);
  const { routes } = JSON.parse(running.stdout());
  const patterns = routes.map(({ pattern }: { pattern: string }) => pattern);
  t.deepEqual(patterns, ['/.netlify/images', '/.netlify/functions/later-background', '/talk']);
  t.regex(
    running.output(),
    /by the console[\s\S]*for information[\s\S]*a table[\s\S]*by the stream[\s\S]*by the descriptor/,
  );
  t.regex(running.output(), /without a line end/);
});

for (const [command, said] of [
  ['routes', /^site .*\n[\s\S]*\/talk/],
  ['build', /^compiled 2 functions of .*\n {2}kept in .*\n {2}took .*\n$/],
  ['health', /^not ready: /],
  ['jobs', /^$/],
] as const) {
  test.serial(`stdout of ${command} has only its own lines`, async (t) => {
    const site = await siteFolder(t, TALKATIVE);

    const given = command === 'health' ? [] : ['--site', site];
    const running = await runNexthop(t, { args: [command, ...given], env: { PORT: '1' } });
    await running.exited;

    t.regex(running.stdout(), said);
    t.notRegex(running.stdout(), /by the|for information|a table|without|later\n/);
  });
}

const CHATTY = {
  'cloud-functions/talk.js': `console.log('while it loads');
    export const onRequest = () => {
      console.warn('for a request');
      return new Response('hello');
    };`,
};

test("output of the site's code while it is served goes to functions.log, with file, route and request", async (t) => {
  const site = await siteFolder(t, CHATTY);
  const running = await startNexthop(t, { site });

  const { headers } = await fetch(`http://127.0.0.1:${running.port}/talk`);

  const lines = await linesOf(running.logDir, 2);
  t.like(lines, [
    { level: 'info', target: 'cloud-functions/talk.js', message: 'while it loads', route: undefined },
    { level: 'warn', target: 'cloud-functions/talk.js', message: 'for a request', route: '/talk' },
  ]);
  t.is(lines[1]?.request_id, headers.get('x-request-id'));
  t.notRegex(running.output(), /while it loads|for a request/);
});

test("with DEV=1, output of the site's code is written to the terminal unchanged, too", async (t) => {
  const site = await siteFolder(t, CHATTY);
  const running = await startNexthop(t, { site, env: { DEV: '1' } });

  await fetch(`http://127.0.0.1:${running.port}/talk`);

  await running.said(/while it loads\n[\s\S]*for a request\n/);
  t.is((await linesOf(running.logDir, 2)).length, 2);
});

test("without LOG_DIR, output of the site's code is JSON on stdout", async (t) => {
  const site = await siteFolder(t, CHATTY);
  const running = await startNexthop(t, { site, env: { LOG_DIR: '' } });

  await running.said(/^\{"time":.*"message":"while it loads"\}$/m);
  t.regex(running.stdout(), /while it loads/);
});

for (const workers of ['0', '1']) {
  test(`a server whose output is not read any more drains at SIGTERM (WORKERS=${workers})`, async (t) => {
    const site = await siteFolder(t, CHATTY);
    const { child, exited, port } = await startNexthop(t, { site, env: { WORKERS: workers } });
    child.stdout?.destroy();
    child.stderr?.destroy();

    t.is((await fetch(`http://127.0.0.1:${port}/talk`)).status, 200);
    child.kill('SIGTERM');

    t.is(await exited, 0);
  });
}

test('a command whose output is not read any more ends with the code of SIGPIPE', async (t) => {
  const server = await startNexthop(t, { site: await siteFolder(t, CHATTY) });
  const { child, exited, said } = await runNexthop(t, { args: ['logs', '--follow'], env: { LOG_DIR: server.logDir } });
  await said(/while it loads/);
  child.stdout?.destroy();

  // Each request is a line, which cannot be written.
  let code: number | string | undefined;
  exited.then((each) => (code = each));
  await untilResult(
    async () => [(await fetch(`http://127.0.0.1:${server.port}/talk`)).status, code],
    ([, ended]) => ended !== undefined,
  );

  t.is(code, 141);
});

function linesOf(logDir: string, count: number): Promise<Record<string, unknown>[]> {
  return untilResult(
    async () => (await readFile(join(logDir, 'functions.log'), 'utf8').catch(() => '')).split('\n').slice(0, -1),
    (lines) => lines.length >= count,
  ).then((lines) => lines.map((line) => JSON.parse(line)));
}
