import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readConfig } from '../../src/config/config.ts';
import { createEdge } from '../../src/edge.ts';
import { type RunningEdge, startEdge } from '../helpers/edge.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const NETLIFY = (text: string) => `export default () => new Response('${text}'); export const config = { path: '/n' };`;
const GUARD = (text: string) =>
  `export const middleware = ({ request, next }) => new URL(request.url).pathname === '/secret' ? new Response('${text}') : next();`;
const BROKEN = 'export const onRequest = ( => 1;';

interface Served extends RunningEdge {
  /** Writes a file of the site, and reloads. */
  change(files: Readonly<Record<string, string>>): ReturnType<RunningEdge['edge']['reload']>;
  read(path: string): Promise<string>;
}

async function serve(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<Served> {
  const site = await siteFolder(t, files);
  const running = await startEdge(t, { site });
  return {
    ...running,
    change: async (changed) => {
      for (const [path, text] of Object.entries(changed)) await writeFile(join(site, path), text);
      return running.edge.reload();
    },
    read: async (path) => {
      const response = await fetch(running.url + path);
      return `${response.status} ${response.status === 200 ? await response.text() : ''}`.trim();
    },
  };
}

test('after a shared helper breaks, each route that needs it keeps its code, and all others change', async (t) => {
  const using = `import { help } from '../lib/help.js'; let calls = 0;
    export const onRequest = () => new Response(help + ++calls);`;
  const names = Array.from({ length: 50 }, (_, index) => `f${index}`);
  const { change, read, errorLines, close } = await serve(t, {
    'lib/help.js': "export const help = 'old';",
    ...Object.fromEntries(names.map((name) => [`cloud-functions/${name}.js`, using])),
    'cloud-functions/free.js': "export const onRequest = () => new Response('old');",
  });
  t.is(await read('/f0'), '200 old1');

  const outcome = await change({
    'lib/help.js': '\nexport const help = ];',
    'cloud-functions/free.js': "export const onRequest = () => new Response('new');",
    'edgeone.json': '{"redirects": [{"source": "/gone", "destination": "/free", "statusCode": 302}]}',
  });

  t.is(outcome.state, 'exchanged');
  t.is(await read('/free'), '200 new');
  t.is(await read('/f0'), '200 old2', 'with its state');
  t.deepEqual(new Set(await Promise.all(names.slice(1).map((name) => read(`/${name}`)))), new Set(['200 old1']));
  await change({ 'lib/help.js': "export const help = 'mended';" });
  t.is(await read('/f0'), '200 mended1');
  await close();
  const [line, ...more] = (await errorLines()).filter(({ level }) => level === 'error');
  t.like(line, { file: 'lib/help.js', line: 2 });
  t.regex(
    String(line?.message),
    /^Unexpected "\]" \(routes that keep the code that worked before: .*\.js and 47 more\)$/,
  );
  t.deepEqual(more, []);
});

test('a function that throws while it loads keeps its code over several reloads, and takes the next that loads', async (t) => {
  const { change, read } = await serve(t, {
    'cloud-functions/a.js': "export const onRequest = () => new Response('1');",
  });

  for (const text of [
    "export const onRequest = 1; throw new Error('no database');",
    BROKEN,
    "import './missing.js'; export const onRequest = 1;",
  ]) {
    const { problems } = await change({ 'cloud-functions/a.js': text });
    t.deepEqual(
      problems.map(({ keeps }) => keeps),
      [['cloud-functions/a.js']],
    );
    t.is(await read('/a'), '200 1');
  }
  await change({ 'cloud-functions/a.js': "export const onRequest = () => new Response('2');" });

  t.is(await read('/a'), '200 2');
});

test('a Netlify function whose file cannot be parsed keeps its path and its code', async (t) => {
  const { change, read } = await serve(t, { 'netlify/functions/n.js': NETLIFY('1') });

  await change({ 'netlify/functions/n.js': `${NETLIFY('2')} ]` });
  t.is(await read('/n'), '200 1');
  await change({ 'netlify/functions/n.js': `${NETLIFY('3')} ]]` });
  t.is(await read('/n'), '200 1');
  await change({ 'netlify/functions/n.js': NETLIFY('4') });

  t.is(await read('/n'), '200 4');
});

test('a middleware that does not load keeps its code, and the functions change', async (t) => {
  const { change, read } = await serve(t, {
    'middleware.js': GUARD('guarded'),
    'cloud-functions/secret.js': "export const onRequest = () => new Response('secret');",
    'cloud-functions/a.js': "export const onRequest = () => new Response('1');",
  });

  for (const text of ['export const ( = 1;', `${GUARD('no')} throw new Error('no');`]) {
    const outcome = await change({
      'middleware.js': text,
      'cloud-functions/a.js': `export const onRequest = () => new Response(${JSON.stringify(text.slice(0, 14))});`,
    });
    t.is(outcome.state, 'exchanged');
    t.is(await read('/secret'), '200 guarded');
    t.is(await read('/a'), `200 ${text.slice(0, 14)}`);
  }
});

for (const file of ['middleware.js', 'src/middleware.js']) {
  test(`a ${file} that is saved without a handler keeps its code`, async (t) => {
    const { change, read } = await serve(t, { [file]: GUARD('guarded') });

    for (const text of [
      '',
      'const unfinished = 1;',
      'export const middleware = 5;',
      'export default {}; // middleware',
    ]) {
      const { state, problems } = await change({ [file]: text });
      t.is(state, 'exchanged');
      t.like(problems, [{ severity: 'error', file, keeps: [file] }]);
      t.is(await read('/secret'), '200 guarded');
    }
    await change({ [file]: GUARD('changed') });
    t.is(await read('/secret'), '200 changed');
  });
}

test('a function that never worked answers 500, also after reloads', async (t) => {
  const { change, read } = await serve(t, {
    'cloud-functions/a.js': BROKEN,
    'cloud-functions/b.js': "export const onRequest = () => new Response('b');",
  });

  const { problems } = await change({ 'cloud-functions/c.js': BROKEN });

  t.is(await read('/a'), '500');
  t.is(await read('/c'), '500');
  t.is(await read('/b'), '200 b');
  t.deepEqual(
    problems.map(({ keeps }) => keeps),
    [undefined, undefined],
  );
});

test('a removed function is gone, although the others cannot be compiled', async (t) => {
  const { change, read } = await serve(t, {
    'cloud-functions/a.js': "export const onRequest = () => new Response('a');",
    'cloud-functions/b.js': "export const onRequest = () => new Response('b');",
  });

  await change({ 'cloud-functions/a.js': BROKEN, 'cloud-functions/b.js': '' });

  t.is(await read('/a'), '200 a');
  t.is(await read('/b'), '502');
});

test('a process that takes the place of another has the code that worked before; a first start has not', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/a.js': "export const onRequest = () => new Response('a');",
    'netlify/functions/n.js': NETLIFY('n'),
  });
  const config = readConfig({ site, env: { PORT: '0', HOST: '127.0.0.1', LOG_DIR: join(site, 'log') } });
  const open = async (place: 'first' | 'next') => {
    const edge = await createEdge(config, { place });
    const port = await edge.listen();
    t.teardown(() => edge.close());
    const read = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return response.status === 200 ? response.text() : String(response.status);
    };
    return { edge, readAll: () => Promise.all(['/a', '/n'].map(read)) };
  };
  const { edge } = await open('first');
  await writeFile(join(site, 'cloud-functions/a.js'), BROKEN);
  await writeFile(join(site, 'netlify/functions/n.js'), `${NETLIFY('broken')} ]`);
  await edge.reload();

  const next = await open('next');
  t.deepEqual(await next.readAll(), ['a', 'n']);
  await next.edge.reload();
  t.deepEqual(await next.readAll(), ['a', 'n'], 'also after another reload');

  t.deepEqual(await (await open('first')).readAll(), ['500', '502']);
});
