import test, { type ExecutionContext } from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { type RunningProcess, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const GOOD = 'export const onRequest = () => new Response("good");';

async function serve(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<RunningProcess> {
  const site = await siteFolder(t, { 'cloud-functions/good.js': GOOD, ...files });
  return startNexthop(t, { site, env: { FUNCTION_TIMEOUT: '30s' } });
}

function get({ port }: RunningProcess, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`);
}

const NEVER = 'await new Promise(() => {});';

/** Ways in which a function may try to end the process. */
const ENDS = [
  ['calls process.exit', 'process.exit(1);'],
  ['calls process.exit after it awaited', 'await 1; await new Promise(setImmediate); process.exit(1);'],
  ['catches what process.exit throws', 'try { process.exit(0); } catch {} return new Response("caught");'],
  [
    'catches what process.exit throws later',
    'await 1; try { process.exit(0); } catch {} return new Response("caught");',
  ],
  ['calls process.exit in a timer while it is waited for', `setTimeout(() => process.exit(1)); ${NEVER}`],
  ['calls process.exit in a promise that it does not await', `(async () => { await 1; process.exit(1); })(); ${NEVER}`],
  ['passes process.exit to a timer', `setTimeout(process.exit, 1, 1); ${NEVER}`],
  ['passes process.exit to a promise', `Promise.reject(1).catch(process.exit); ${NEVER}`],
  ['calls process.exit without an object', 'const { exit } = process; exit();'],
  ['calls process.reallyExit', 'process.reallyExit(1);'],
  ['calls process.abort', 'process.abort();'],
  ['kills itself by SIGTERM', `process.kill(process.pid); ${NEVER}`],
  ['kills itself by SIGKILL', `process.kill(process.pid, 'SIGKILL'); ${NEVER}`],
  ['signals its group', `process.kill(0, 'SIGWINCH'); ${NEVER}`],
  ['signals its parent', `process.kill(process.ppid, 'SIGWINCH'); ${NEVER}`],
  ['emits SIGTERM', `process.emit('SIGTERM'); ${NEVER}`],
] as const;

test.serial(
  'a function that tries to end the process in any way gets 500, is logged once by its name, and the process continues',
  async (t) => {
    t.timeout(300_000);
    const files = ENDS.map(([, body], number) => [
      `cloud-functions/bad${number}.js`,
      `export async function onRequest() {\n  ${body}\n}`,
    ]);
    const running = await serve(t, Object.fromEntries(files));

    for (const [number, [what]] of ENDS.entries()) {
      const bad = await get(running, `/bad${number}`);
      t.is(bad.status, 500, what);
      t.notRegex(await bad.text(), /process|caught|bad/, what);
      t.is(await (await get(running, '/good')).text(), 'good', what);

      const [line, ...more] = (await complaints(running, number + 1)).slice(number);
      t.like(line, { level: 'error', code: 'function_error', target: `cloud-functions/bad${number}.js` }, what);
      t.is(line?.request_id, bad.headers.get('x-request-id'), what);
      t.regex(
        JSON.stringify(line),
        /process\.\w+\(.*\)(?: at cloud-functions\/bad\d+\.js:2:\d+|, called for cloud-functions\/bad\d+\.js,) does not end the process/,
      );
      t.deepEqual(more, [], what);
    }
    t.is(running.child.exitCode, null);
  },
);

test.serial('a function may check by process.kill whether a process exists', async (t) => {
  const running = await serve(t, {
    'cloud-functions/ask.js': 'export const onRequest = () => Response.json(process.kill(process.pid, 0));',
  });

  t.is(await (await get(running, '/ask')).text(), 'true');
});

test.serial('process.exit after the response is logged once and has no other effect', async (t) => {
  const running = await serve(t, {
    'cloud-functions/late.js': `export const onRequest = () => {
      setTimeout(() => process.exit(1), 20);
      Promise.resolve().then(() => new Promise((resolve) => setTimeout(resolve, 20))).then(() => process.exit(2));
      return new Response('answered');
    };`,
  });

  t.is(await (await get(running, '/late')).text(), 'answered');

  const lines = await complaints(running, 2);
  t.is(await (await get(running, '/good')).text(), 'good');
  t.deepEqual(
    lines
      .map((line) => /process\.exit\(\d\) at cloud-functions\/late\.js:\d/.exec(JSON.stringify(line))?.[0])
      .toSorted(),
    ['process.exit(1) at cloud-functions/late.js:2', 'process.exit(2) at cloud-functions/late.js:3'],
  );
});
