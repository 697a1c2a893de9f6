import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import { type RunningEdge, startEdge } from '../helpers/edge.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const answering = (text: string) => `export const onRequest = () => new Response('${text}');`;
const COUNTS = 'let calls = 0; export const onRequest = () => new Response(String(++calls));';

interface Served extends RunningEdge {
  /** Writes a file of the site; undefined removes it. */
  change(path: string, text: string | undefined): Promise<void>;
  read(path: string): Promise<string>;
  readonly site: string;
}

async function serve(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<Served> {
  const site = await siteFolder(t, files);
  const running = await startEdge(t, { site, env: { REAL: 'of the process' } });
  return {
    ...running,
    site,
    change: (path, text) => (text === undefined ? rm(join(site, path)) : writeFile(join(site, path), text)),
    read: async (path) => (await fetch(running.url + path)).text(),
  };
}

test('a request in flight ends with the old site, later requests are answered by the new one', async (t) => {
  const filter = { arrived: Promise.withResolvers<void>(), leave: Promise.withResolvers<void>() };
  Object.assign(globalThis, { reloadGate: filter });
  const { edge, read, change } = await serve(t, {
    'cloud-functions/slow.js': `export const onRequest = async () => {
      globalThis.reloadGate.arrived.resolve(); await globalThis.reloadGate.leave.promise; return new Response('old'); };`,
    'cloud-functions/a.js': answering('old'),
  });
  const pending = read('/slow');
  await filter.arrived.promise;

  await change('cloud-functions/slow.js', undefined);
  await change('cloud-functions/a.js', answering('new'));
  const outcome = await edge.reload();
  const later = await read('/a');
  filter.leave.resolve();

  t.is(outcome.state, 'exchanged');
  t.is(later, 'new');
  t.is(await pending, 'old');
});

for (const path of ['/.netlify/functions/slow', '/rewritten']) {
  test(`a function that ${path} calls keeps its timers to its end, also over a reload`, async (t) => {
    const signs = { hasArrived: Promise.withResolvers<void>(), mayLeave: false };
    Object.assign(globalThis, { [`signs${path}`]: signs });
    const slow = (text: string) => `export default async () => {
      const signs = globalThis['signs${path}']; signs.hasArrived.resolve();
      while (!signs.mayLeave) await new Promise((resolve) => setTimeout(resolve, 5));
      return new Response('${text}'); };`;
    const { edge, read, change } = await serve(t, {
      'netlify/functions/slow.js': slow('old'),
      'netlify.toml': '[[redirects]]\nfrom = "/rewritten"\nto = "/.netlify/functions/slow"\nstatus = 200\n',
    });
    const pending = read(path);
    await signs.hasArrived.promise;

    await change('netlify/functions/slow.js', slow('new'));
    t.is((await edge.reload()).state, 'exchanged');
    signs.mayLeave = true;

    t.is(await pending, 'old');
    t.is(await read(path), 'new');
  });
}

test('no request fails during 20 reloads under load', async (t) => {
  const { edge, url, change } = await serve(t, { 'cloud-functions/a.js': answering('0'), 'middleware.js': GUARD });
  let isOver = false;
  const answers: string[] = [];
  const clients = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const answer = await fetch(`${url}/a`);
      answers.push(`${answer.status} ${await answer.text()}`);
    }
  });

  for (let round = 1; round <= 20; round++) {
    const text = String(round);
    await change('cloud-functions/a.js', answering(text));
    t.is((await edge.reload()).state, 'exchanged');
    t.is(await (await fetch(`${url}/a`)).text(), text);
  }
  isOver = true;
  await Promise.all(clients);

  t.true(answers.length > 0);
  t.deepEqual(
    answers.filter((answer) => !/^200 \d+$/.test(answer)),
    [],
  );
});

const GUARD = 'export async function middleware({ next }) { await null; return next(); }';

test('a reload takes the variables of the new .env, and variables of the process stay', async (t) => {
  const seen = `const atLoad = process.env.RELOAD_CHANGED;
    export const onRequest = ({ env }) => Response.json([atLoad, env.RELOAD_CHANGED, process.env.RELOAD_CHANGED,
      env.RELOAD_GONE ?? '-', process.env.RELOAD_GONE ?? '-', env.REAL, process.env.PATH === globalThis.pathBefore]);`;
  Object.assign(globalThis, { pathBefore: process.env.PATH });
  const { edge, read, change } = await serve(t, {
    '.env': 'RELOAD_CHANGED=1\nRELOAD_GONE=1\nREAL=file\nPATH=file',
    'cloud-functions/a.js': seen,
  });
  t.deepEqual(JSON.parse(await read('/a')), ['1', '1', '1', '1', '1', 'of the process', true]);

  await change('.env', 'RELOAD_CHANGED=2\nREAL=file\nPATH=file');
  await edge.reload();
  t.deepEqual(JSON.parse(await read('/a')), ['2', '2', '2', '-', '-', 'of the process', true]);

  await change('.env', undefined);
  await edge.reload();
  t.false('RELOAD_CHANGED' in process.env);
  t.is(process.env.PATH, (globalThis as { pathBefore?: string }).pathBefore);
});

test('a reload does not remove a variable that a function has set', async (t) => {
  const { edge, change } = await serve(t, {
    '.env': 'RELOAD_SET=file',
    'cloud-functions/a.js': `process.env.RELOAD_SET = 'function'; export const onRequest = () => 1;`,
  });

  await change('.env', 'RELOAD_SET=other');
  await edge.reload();

  t.is(process.env.RELOAD_SET, 'function');
});

test('if the site cannot be read, the old one and its variables stay in use, and error.log has the reason', async (t) => {
  const { edge, read, site, errorLines, close } = await serve(t, {
    '.env': 'RELOAD_KEPT=1',
    'cloud-functions/a.js': 'export const onRequest = () => new Response(process.env.RELOAD_KEPT);',
  });

  await rename(site, `${site}.away`);
  t.teardown(() => rm(`${site}.away`, { recursive: true, force: true }));
  const outcome = await edge.reload();

  t.is(outcome.state, 'kept');
  t.is(await read('/a'), '1');
  await close();
  const [line] = (await errorLines()).filter(({ level }) => level === 'error');
  t.regex(String(line?.reason), /the site .* does not exist/);
});

test('a reload adds no middleware that does not load: it would close the site', async (t) => {
  const { edge, read, change } = await serve(t, { 'cloud-functions/a.js': answering('a') });

  await change('middleware.js', `${GUARD} throw new Error('no');`);

  t.like(await edge.reload(), { state: 'kept', reason: 'middleware.js does not work' });
  t.is(await read('/a'), 'a');
});

test('a reload takes no netlify.toml that cannot be read: its guards stay', async (t) => {
  const guard = '[[headers]]\nfor = "/*"\n[headers.values]\nBasic-Auth = "a:b"';
  const { edge, url, change } = await serve(t, { 'netlify.toml': guard });

  await change('netlify.toml', `${guard}\n[[`);

  t.like(await edge.reload(), { state: 'kept', reason: 'netlify.toml does not work' });
  t.is((await fetch(url)).status, 401);
});

test("functions keep their state if no code changed, and the platform's new configuration is used", async (t) => {
  const { edge, read, url, change } = await serve(t, { 'cloud-functions/a.js': COUNTS });
  await read('/a');

  await change('edgeone.json', '{"redirects": [{"source": "/old", "destination": "/a", "statusCode": 302}]}');
  t.is((await edge.reload()).state, 'exchanged');
  t.is(await read('/a'), '2');
  t.is((await fetch(`${url}/old`, { redirect: 'manual' })).status, 302);

  await change('cloud-functions/a.js', `${COUNTS} export const more = 1;`);
  await edge.reload();
  t.is(await read('/a'), '1');
});

test('reloads that are requested during a reload cause one more, which reads all changes made before those requests', async (t) => {
  const { edge, read, change, errorLines, close } = await serve(t, { 'cloud-functions/a.js': answering('0') });

  const first = edge.reload();
  await change('cloud-functions/a.js', answering('1'));
  const outcomes = await Promise.all([first, ...Array.from({ length: 10 }, () => edge.reload())]);

  t.true(outcomes.every(({ state }) => state === 'exchanged'));
  t.is(await read('/a'), '1');
  await close();
  t.is((await errorLines()).filter(({ message }) => /was read again/.test(String(message))).length, 2);
});

test('a result that another process has logged is logged once more only if it differs', async (t) => {
  const { edge, change, errorLines, close } = await serve(t, { 'cloud-functions/a.js': answering('0') });
  await change('cloud-functions/b.js', 'export const onRequestGte = () => {};');

  const of = JSON.parse(JSON.stringify(await edge.reload()));
  await edge.reload({ ...of, tookMs: 12_345 });
  await edge.reload({ ...of, problems: [] });
  await edge.reload({ state: 'kept', reason: 'the disk is full', problems: of.problems });
  await close();

  const messages = (await errorLines()).map(({ message }) => String(message));
  t.is(messages.filter((message) => message.includes('was read again')).length, 3);
  t.is(messages.filter((message) => message.includes('onRequestGte')).length, 3);
});

test('a closing server does not reload', async (t) => {
  const { edge, close } = await serve(t, { 'cloud-functions/a.js': answering('a') });
  const pending = edge.reload();
  await close();

  t.like(await pending, { state: 'kept', reason: 'the server ends' });
  t.like(await edge.reload(), { state: 'kept', reason: 'the server ends' });
});

test('twenty reloads leave no old site, timer or handle', async (t) => {
  const { edge, read } = await serve(t, {
    'cloud-functions/a.js': COUNTS,
    'netlify/functions/c.js': 'export default () => new Response("c"); export const config = { path: "/c" };',
    'public/b.txt': 'b',
    'middleware.js': GUARD,
  });
  const readAll = () => Promise.all(['/a', '/b.txt', '/c'].map(read));
  t.deepEqual(await readAll(), ['1', 'b', 'c']);
  const before = process.getActiveResourcesInfo().length;

  const sites: WeakRef<object>[] = [];
  for (let round = 0; round < 20; round++) {
    sites.push(new WeakRef(edge.site));
    await edge.reload();
    await readAll();
  }

  await collectGarbage();
  t.true(
    sites.filter((site) => site.deref()).length <= 1,
    'the last one may still be referenced by a request that was just answered',
  );
  t.true(process.getActiveResourcesInfo().length <= before + 5, String(process.getActiveResourcesInfo()));
  t.is(await read('/a'), '22');
});

async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  for (let round = 0; round < 3; round++) {
    // An object that was just read from a WeakRef is kept until the end of the turn.
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
}
