import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type RunningEdge, startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const NO = 'new Response("no", { status: 401 })';
const GUARD = `export const onRequest = () => ${NO};`;
const PAGES = { 'public/admin.html': 'secret', 'public/admin/a.html': 'secret', 'public/index.html': 'home' };
const MESSAGE = 'exports no handler function and no app: its path answers 500';

async function statusesOf({ url }: RunningEdge, paths: readonly string[]): Promise<readonly number[]> {
  return Promise.all(paths.map((path) => fetch(url + path).then(({ status }) => status)));
}

/** The statuses and reports of a site after a reload in which these files changed, and those of a start with them. */
async function afterChange(
  t: ExecutionContext,
  files: Readonly<Record<string, string>>,
  changed: Readonly<Record<string, string>>,
  paths: readonly string[],
) {
  const site = await siteFolder(t, { ...PAGES, ...files });
  const running = await startEdge(t, { site });
  for (const [file, text] of Object.entries(changed)) await writeFile(join(site, file), text);
  // A second one knows what the first one knew.
  await running.edge.reload();
  const { problems } = await running.edge.reload();
  const started = await startEdge(t, { site });
  const toTexts = (each: typeof problems) =>
    each.map(({ severity, file, message }) => `${severity} ${file} ${message}`);
  return {
    reload: { statuses: await statusesOf(running, paths), reports: toTexts(problems) },
    start: { statuses: await statusesOf(started, paths), reports: toTexts(started.edge.site.problems) },
  };
}

for (const [what, text] of Object.entries({
  'is empty': '',
  'has only a comment': `// ${GUARD}`,
  'does not export its handler': GUARD.replace('export ', ''),
  'has a handler that is no function': 'export const onRequest = 5;',
  'exports its handler by default without a name': `export default () => ${NO};`,
  'exports an app, which only a catch-all may': `export default { fetch: () => ${NO} };`,
})) {
  test(`an edge function that ${what} answers 500, after a reload as after a start`, async (t) => {
    const files = { 'edge-functions/admin.js': GUARD, 'edge-functions/other.js': GUARD };

    const { reload, start } = await afterChange(t, files, { 'edge-functions/admin.js': text }, [
      '/admin',
      '/other',
      '/',
    ]);

    t.deepEqual(reload.statuses, [500, 401, 200]);
    t.deepEqual(reload.reports, [`error edge-functions/admin.js ${MESSAGE}`]);
    t.deepEqual(start, reload);
  });
}

for (const [what, folder] of Object.entries({ 'edge-functions/': 'edge-functions', 'functions/': 'functions' })) {
  test(`the only edge function in ${what} answers 500 after a reload in which it has lost its handler`, async (t) => {
    const file = `${folder}/admin.js`;

    const { reload } = await afterChange(t, { [file]: GUARD }, { [file]: 'export const guard = 1;' }, ['/admin', '/']);

    t.deepEqual(reload, { statuses: [500, 200], reports: [`error ${file} ${MESSAGE}`] });
  });
}

test('an edge function that has lost its handler closes its path although other code imports it', async (t) => {
  const rest = 'edge-functions/admin/[[rest]].js';
  const files = {
    'edge-functions/admin/index.js': "export { onRequest } from './[[rest]].js';",
    [rest]: GUARD,
    'edge-functions/admin.test.js': "import './admin/[[rest]].js';",
  };

  const { reload, start } = await afterChange(t, files, { [rest]: 'export const guard = 1;' }, [
    '/admin',
    '/admin/a',
    '/',
  ]);

  // The last code of the other file that loaded is kept after a reload.
  t.deepEqual(reload.statuses, [401, 500, 200]);
  t.deepEqual(start.statuses, [500, 500, 200]);
});

test('an app that has lost its handler closes its bare folder, too', async (t) => {
  const file = 'edge-functions/admin/[[rest]].js';
  const files = { [file]: `export default { fetch: () => ${NO} };` };

  for (const text of ['', 'export const app = 1;', 'export default () => 1;']) {
    const { reload, start } = await afterChange(t, files, { [file]: text }, ['/admin', '/admin/', '/admin/a', '/']);
    t.deepEqual(reload.statuses, [500, 500, 500, 200], text);
    t.deepEqual(start.statuses, reload.statuses, text);
  }
});

const HELPERS = {
  'edge-functions/a.ts': `import { one } from './lib/one';
    import type { Two } from './two.ts';
    export const onRequest = (): Response => new Response(one satisfies Two);`,
  'edge-functions/lib/one.ts': 'export const one = "1";',
  'edge-functions/two.ts': 'export type Two = string;',
  'edge-functions/three.js': 'export const three = 3;',
  'edge-functions/four/index.js': 'export default 4;',
  'edge-functions/five.ts': 'export interface Five {}',
  'src/page.js': "import { three } from '../edge-functions/three.js'; import four from '@/edge-functions/four';",
};

test('files of edge functions that other code imports, and files of types, are helpers', async (t) => {
  const { edge, ...running } = await startEdge(t, {
    site: await siteFolder(t, HELPERS),
    env: { NEXT_HOP: 'http://127.0.0.1:1' },
  });

  t.deepEqual(edge.site.problems, []);
  const paths = ['/a', '/lib/one', '/two', '/three', '/four', '/five'];
  t.deepEqual(await statusesOf({ edge, ...running }, paths), [200, 502, 502, 502, 502, 502]);
});

test('a file without handlers that no code imports is closed with a warning, and only a test or itself may name it', async (t) => {
  const { edge, ...running } = await startEdge(t, {
    site: await siteFolder(t, {
      ...PAGES,
      'edge-functions/a.js': GUARD,
      'edge-functions/admin.js': "export const isAdmin = () => true; // import { isAdmin } from './admin.js'",
      'edge-functions/admin.test.js': "import { isAdmin } from './admin.js';",
      'src/other/admin.js': "export * from './deep/admin.js';",
    }),
  });

  t.deepEqual(await statusesOf({ edge, ...running }, ['/admin']), [500]);
  t.deepEqual(
    edge.site.problems.map(({ severity, message }) => `${severity} ${message}`),
    [`warning ${MESSAGE}, because no code imports it; if it is a helper, begin its name with "_"`],
  );
});

for (const [what, text] of Object.entries({
  'a default export': 'export default { async fetch() { return new Response("other"); } };',
  'a handler of Lambda': 'exports.handler = async (event) => event;',
  'a server of Deno': 'Deno.serve(() => new Response("other"));',
})) {
  test(`a folder of another platform, whose file has ${what}, closes nothing, and the start reports it`, async (t) => {
    const files = { 'edge-functions/index.js': text, 'edge-functions/lib.js': 'export const lib = 1;' };
    const { edge, ...running } = await startEdge(t, { site: await siteFolder(t, { ...PAGES, ...files }) });

    t.deepEqual(await statusesOf({ edge, ...running }, ['/', '/admin']), [200, 200]);
    t.deepEqual(
      edge.site.problems.map(({ severity, file, message }) => `${severity} ${file} ${message}`),
      ['warning edge-functions/index.js exports no handler function and no app of EdgeOne: it is never called'],
    );
  });
}

test('a folder functions/ of another platform closes nothing, also in a site of EdgeOne', async (t) => {
  const { edge, ...running } = await startEdge(t, {
    site: await siteFolder(t, {
      ...PAGES,
      'edgeone.json': '{}',
      'functions/index.js':
        'const { https } = globalThis.firebase ?? {}; exports.api = () => https.onRequest(() => 1);',
      'functions/admin.js': 'exports.admin = 1;',
    }),
  });

  t.deepEqual(await statusesOf({ edge, ...running }, ['/', '/admin']), [200, 200]);
  t.deepEqual(edge.site.problems, []);
});
