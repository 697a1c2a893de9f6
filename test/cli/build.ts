import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { build } from '../../src/cli/build.ts';
import { readConfig } from '../../src/config/config.ts';
import { SiteError } from '../../src/contract/project.ts';
import { BuildError } from '../../src/dialects/loader/build-error.ts';
import { childrenOf } from '../helpers/child-processes.ts';
import { type RunningProcess, runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';

const HELLO = {
  'cloud-functions/hello.ts':
    "import { greet } from '../lib/greet';\nexport function onRequest(): Response {\n  return new Response(greet());\n}",
  'lib/greet.ts': "export const greet = (): string => 'hello';",
};

/** Makes the import of esbuild fail, as if it were not installed. */
const NO_ESBUILD = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({ resolve(name, context, next) {
    if (name === 'esbuild') throw Object.assign(new Error('Cannot find package esbuild'), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(name, context);
  } });`)}`;

interface Ran {
  readonly code: number;
  readonly text: string;
}

async function run(site: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const lines: string[] = [];
  const code = await build(readConfig({ site, env }), (line) => lines.push(line));
  return {
    code,
    text: lines
      .join('\n')
      .replace(/\d+\.\d s/, 'TIME s')
      .replace(/\d+ KB/, 'SIZE KB'),
  };
}

function get(running: RunningProcess, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${running.port}${path}`);
}

test('build prints what it compiled, where the result is, and how long it took', async (t) => {
  const site = await siteFolder(t, HELLO);

  t.deepEqual(await run(site), {
    code: 0,
    text: `compiled 1 function of ${site}\n  kept in   ${site}/.nexthop, SIZE KB\n  took      TIME s`,
  });
});

test('build ends with 1 for a wrong rate limit, and names its file, line and key', async (t) => {
  const site = await siteFolder(t, {
    'netlify/functions/a.mjs':
      'export default () => new Response("a");\nexport const config = { path: "/a", rateLimit: { windowLimit: "5", windowSize: 60 } };',
    'netlify.toml':
      '[[redirects]]\n  from = "/b"\n  to = "/c"\n  [redirects.rate_limit]\n    window_limit = 5\n    window_siz = 60\n    aggregate_by = "ip"\n',
  });

  const { code, text } = await run(site);

  t.is(code, 1);
  t.regex(text, /netlify\/functions\/a\.mjs:2\b.*rateLimit\.windowLimit must be/);
  t.regex(text, /netlify\.toml:6\b.*rate_limit\.window_siz is no key/);
});

test('build --json prints one object with the size of the build, or with what is wrong', async (t) => {
  const site = await siteFolder(t, HELLO);
  const lines: string[] = [];
  const read = (): unknown => JSON.parse(lines.splice(0).join('\n'));

  t.is(await build(readConfig({ site, env: {} }), (line) => lines.push(line), { json: true }), 0);
  const built = { site, built: true, functions: 1, folder: join(site, '.nexthop'), problems: [], notes: [] };
  t.like(read(), built);
  await writeFile(join(site, 'cloud-functions/bad.js'), 'export const onRequest = ];');
  t.is(await build(readConfig({ site, env: {} }), (line) => lines.push(line), { json: true }), 1);
  t.like(read(), {
    built: false,
    functions: undefined,
    problems: [{ severity: 'error', file: 'cloud-functions/bad.js', line: 1 }],
  });
});

test('the same site gives a build with the same bytes', async (t) => {
  const [first, second] = [await siteFolder(t, HELLO), await siteFolder(t, HELLO)];
  await Promise.all([run(first), run(second)]);

  for (const name of await readdir(join(first, '.nexthop/build'))) {
    const [one, other] = [first, second].map((site) => readFile(join(site, '.nexthop/build', name), 'utf8'));
    t.is(await one, await other);
  }
});

test('build prints file, line and column of compile errors and keeps nothing', async (t) => {
  const site = await siteFolder(t, {
    ...HELLO,
    'cloud-functions/bad.js': 'export function onRequest() {\n  return ];\n}',
    'cloud-functions/worse.ts': "import { x } from './none';\nexport const onRequest = () => x;",
  });

  t.deepEqual(await run(site), {
    code: 1,
    text: [
      `not built: 2 errors in ${site}`,
      '  error     cloud-functions/bad.js:2:10 Unexpected "]"',
      '  error     cloud-functions/worse.ts:1:19 "./none" does not exist: create cloud-functions/none, or correct the import',
    ].join('\n'),
  });
  t.deepEqual(await readdir(join(site, '.nexthop/build')), []);
});

test('a failed build leaves the previous one, which is then stale', async (t) => {
  const site = await siteFolder(t, HELLO);
  await run(site);
  const manifest = join(site, '.nexthop/build/manifest.json');
  const before = await readFile(manifest, 'utf8');
  await writeFile(join(site, 'cloud-functions/hello.ts'), 'export function onRequest() { return ]; }');

  t.is((await run(site)).code, 1);

  t.is(await readFile(manifest, 'utf8'), before);
});

test('warnings are printed after the result, and the build succeeds', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/[[default]].js': 'export default { fetch: () => new Response() };',
    'cloud-functions/[[a]]/b.js': 'export const onRequest = () => 1;',
  });

  const { code, text } = await run(site);

  t.is(code, 0);
  t.regex(
    text,
    /^compiled 1 function of .*\n {2}kept in {3}.*\n {2}took .*\n {2}warning {3}cloud-functions\/\[\[a\]\]\/b\.js /,
  );
});

test('a build of a site without functions replaces an older build', async (t) => {
  const site = await siteFolder(t, HELLO);
  await run(site);
  await rm(join(site, 'cloud-functions'), { recursive: true });

  t.regex((await run(site)).text, /^compiled 0 functions of /);
});

test('a site that cannot be read and a DATA_DIR that cannot be written are errors with their path', async (t) => {
  const site = await siteFolder(t, { ...HELLO, file: '' });
  const dataDir = join(site, 'file/data');

  await t.throwsAsync(run(join(site, 'none')), { instanceOf: SiteError, message: /none does not exist/ });
  await t.throwsAsync(run(site, { DATA_DIR: dataDir }), {
    instanceOf: BuildError,
    message: `DATA_DIR cannot be written to: ENOTDIR: not a directory, mkdir '${dataDir}/build'; make ${dataDir} writable for this user, or set DATA_DIR to another folder`,
  });
  await t.throwsAsync(run(site, { DATA_DIR: '/proc/nexthop/data' }), {
    instanceOf: BuildError,
    message:
      /^DATA_DIR cannot be written to: ENOENT: .*; make \/proc\/nexthop\/data writable for this user, or set DATA_DIR/,
  });
});

test('the command exits with 0, with 1 and its errors, or with 1 without a stack', async (t) => {
  const good = await siteFolder(t, HELLO);
  const bad = await siteFolder(t, { 'cloud-functions/bad.js': 'export const onRequest = ];' });

  const [compiled, failed, unwritable] = await Promise.all([
    runNexthop(t, { args: ['build', good] }),
    runNexthop(t, { args: ['build', bad] }),
    runNexthop(t, { args: ['build', good], env: { DATA_DIR: '/dev/null/data' } }),
  ]);

  t.is(await compiled.exited, 0);
  t.is(await failed.exited, 1);
  t.regex(failed.output(), / {2}error {5}cloud-functions\/bad\.js:1:26 Unexpected "\]"\n$/);
  t.is(await unwritable.exited, 1);
  t.regex(unwritable.output(), /^nexthop: DATA_DIR cannot be written to: .*\n$/);
});

test('a built site starts in another folder without esbuild and without a child process', async (t) => {
  const site = await siteFolder(t, HELLO);
  t.is((await run(site)).code, 0);
  const moved = await move(t, site);

  const running = await startNexthop(t, { site: moved, env: { NODE_OPTIONS: `--import=${NO_ESBUILD}` } });

  t.is(await (await get(running, '/hello')).text(), 'hello');
  t.notRegex(running.output(), /warning|error/);
  t.deepEqual(childrenOf(running.pid), []);
});

test('a start reports a stale build and serves the current functions', async (t) => {
  const site = await siteFolder(t, HELLO);
  await run(site);
  await writeFile(join(site, 'lib/greet.ts'), "export const greet = (): string => 'good morning';");

  const running = await startNexthop(t, { site });
  await running.said(
    / {2}warning {3}lib\/greet\.ts changed since the build: the build is not used; run `nexthop build` again\n/,
  );

  t.is(await (await get(running, '/hello')).text(), 'good morning');
  await t.notThrowsAsync(until(() => childrenOf(running.pid).length === 0, "the end of esbuild's process"));
});

test('a build that is stale for functions and middleware is reported once', async (t) => {
  const site = await siteFolder(t, {
    ...HELLO,
    'middleware.js': 'export function middleware({ next }) { return next(); }',
    'tsconfig.json': '{}',
  });
  await run(site);
  await writeFile(join(site, 'tsconfig.json'), '{"compilerOptions": {}}');

  const listing = await runNexthop(t, { args: ['routes', site] });

  t.is(await listing.exited, 0);
  t.is(listing.output().match(/tsconfig\.json warning: changed since the build/g)?.length, 1);
});

test('without esbuild and without a usable build the start prints the remedy', async (t) => {
  const site = await siteFolder(t, HELLO);
  await run(site);
  await writeFile(join(site, 'cloud-functions/hello.ts'), 'export const onRequest = () => 1;');

  const running = await runNexthop(t, { site, env: { NODE_OPTIONS: `--import=${NO_ESBUILD}` } });

  t.is(await running.exited, 1);
  t.is(
    running.output(),
    [
      'nexthop: functions cannot be compiled without esbuild, which does not load: install it, or run `nexthop build` on a machine that has it and copy DATA_DIR',
      '  cloud-functions/hello.ts changed since the build: the build is not used; run `nexthop build` again\n',
    ].join('\n'),
  );
});

async function move(t: ExecutionContext, site: string): Promise<string> {
  const moved = await siteFolder(t);
  await rm(moved, { recursive: true });
  await rename(site, moved);
  return moved;
}
