import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { killGroup } from '../helpers/kill-process.ts';
import { INSTALL_TIMEOUT_MS, npmInstall } from '../helpers/npm-install.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { until } from '../helpers/until.ts';

const ROOT = join(import.meta.dirname, '../..');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

/** The sizes of docs/decisions/package-size.md may grow by a fifth; then the page has to say why. */
const MOST_GROWTH = 1.2;

/**
 * What npm and Node need to reach the package registry. PATH begins with another Node here, for
 * which npm looks for its global configuration in another folder.
 */
const NETWORK_VARIABLE =
  /^(?:NODE_EXTRA_CA_CERTS|SSL_CERT_(?:FILE|DIR)|(?:https?_|no_|npm_config_(?:https?_?|no_?)?)proxy|npm_config_(?:cache|cafile|globalconfig|registry|userconfig))$/i;

async function run(t: ExecutionContext, cwd: string, [program = '', ...args]: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { cwd, env: await environment(t), maxBuffer: 2 ** 25 })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }; // of execFile
    throw new Error(`${program} ${args.join(' ')}: ${stdout}\n${stderr}`, { cause: error });
  }
}

async function environment(t: ExecutionContext): Promise<NodeJS.ProcessEnv> {
  const path = [join(ROOT, 'node_modules/node/bin'), process.env.PATH].join(delimiter);
  // Without the machine's own certificates, npm repeats a failed request for minutes.
  const network = Object.entries(process.env).filter(([name]) => NETWORK_VARIABLE.test(name));
  return {
    ...Object.fromEntries(network),
    PATH: path,
    HOME: process.env.HOME ?? (await siteFolder(t)),
    PORT: '0',
    HOST: '127.0.0.1',
    LOG_DIR: '',
  };
}

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

const SITE = {
  'cloud-functions/hello.ts': 'export const onRequest = (): Response => new Response("hello");',
  'types.ts': `import { createMiddleware, readConfig } from 'nexthop';
import adapter from 'nexthop/astro';
import type { EventContext, Middleware } from 'nexthop/edgeone';
import { openTestEdge } from 'nexthop/test';
export const middleware: Middleware = ({ next }) => next();
export async function onRequest({ request, params }: EventContext<{ id: string }>): Promise<Response> {
  const edge = await openTestEdge({ site: '.', hop: () => new Response(params.id) });
  const answer: Response = await edge.fetch(request.url);
  return answer;
}
export const made = [createMiddleware({ site: '.' }), readConfig().PORT.toFixed(), adapter({ mode: 'standalone' })];
export const wrong: string = readConfig().PORT;`,
};

test('the package installs from its tarball, has its documented size, types without other packages, and npx serves a site', async (t) => {
  t.timeout(INSTALL_TIMEOUT_MS);
  const site = await siteFolder(t, SITE);
  // Packed from what `npm test` has built.
  const [packed] = JSON.parse(
    await run(t, ROOT, ['npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', site]),
  ) as [Packed];
  const paths = packed.files.map(({ path }) => path);
  t.true(
    ['LICENSE', 'README.md', 'package.json', 'dist/cli/cli.js', 'examples/templates/shared/gitignore'].every((path) =>
      paths.includes(path),
    ),
  );
  t.deepEqual(
    paths.filter((path) => /\.js\.map$|^(?:src|test|bench|docs)\//.test(path)),
    [],
  );

  await npmInstall(site, ['install', `./${packed.filename}`], await environment(t));

  // Vite, and so `astro dev`, would warn that the map is missing.
  t.notRegex(await readFile(join(site, 'node_modules/nexthop/dist/public/session.js'), 'utf8'), /sourceMappingURL/);

  const documented = await readSizes();
  const installed = await sizeOf(join(site, 'node_modules'));
  t.log({ packedKB: Math.round(packed.size / 1000), installedMB: installed / 1e6 });
  t.true(packed.size < documented.packed * MOST_GROWTH, `${packed.size} bytes packed`);
  t.true(installed < documented.installed * MOST_GROWTH, `${installed} bytes installed`);

  for (const module of [['nodenext'], ['esnext', '--moduleResolution', 'bundler']]) {
    const args = ['--strict', '--noEmit', '--target', 'es2024', '--module', ...module, 'types.ts'];
    const found = await run(t, site, [process.execPath, TSC, ...args]).catch((error: Error) => error.message);
    // The one mistake of the file shows that the types are there.
    t.deepEqual(
      found.match(/\S+: error TS.*$/gm),
      ["types.ts(12,14): error TS2322: Type 'number' is not assignable to type 'string'."],
      found,
    );
  }
  t.is(await serveByNpx(t, site), 'hello');
});

test('nexthop init in a folder of its own uses the tarball from which nexthop was installed', async (t) => {
  const project = await siteFolder(t, {
    'node_modules/.package-lock.json':
      '{ "packages": { "node_modules/nexthop": { "resolved": "file:../nexthop-1.0.0.tgz" } } }',
  });
  // A copy: the path of the package decides, and a link has the path of its target.
  const own = join(project, 'node_modules/nexthop');
  await mkdir(own, { recursive: true });
  for (const name of ['dist', 'examples', 'package.json']) await run(t, project, ['cp', '-r', join(ROOT, name), own]);
  await symlink(join(ROOT, 'node_modules'), join(own, 'node_modules'));

  await run(t, project, [
    process.execPath,
    join(own, 'dist/cli/cli.js'),
    'init',
    'site',
    '--no-install',
    '--template=proxy',
  ]);

  const { dependencies } = JSON.parse(await readFile(join(project, 'site/package.json'), 'utf8'));
  t.is(dependencies.nexthop, `file:../../nexthop-1.0.0.tgz`);
  await rm(own, { recursive: true });
});

/** Starts the site with npx, and resolves with what its function answers. Its end must leave no process. */
async function serveByNpx(t: ExecutionContext, site: string): Promise<string> {
  await chmod(join(site, 'node_modules/.bin/nexthop'), 0o755);
  const child = spawn('npx', ['--no-install', 'nexthop', 'start'], {
    cwd: site,
    env: await environment(t),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  t.teardown(() => {
    if (child.exitCode === null && child.signalCode === null) killGroup(child, 'SIGKILL');
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk));
  await until(() => /\n {2}logs/.test(text) || child.exitCode !== null, 'the start by npx');
  const [, url] = /listens on (http:\/\/127\.0\.0\.1:\d+)/.exec(text) ?? [];
  const answer = await (await fetch(`${url}/hello`)).text();
  // The output ends with the last process that has it.
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
  return answer;
}

async function readSizes(): Promise<{ readonly packed: number; readonly installed: number }> {
  const page = await readFile(join(ROOT, 'docs/decisions/package-size.md'), 'utf8');
  const [, packed, installed] = /\| packed \| ([\d.]+) MB \|[\s\S]*\| installed \| ([\d.]+) MB \|/.exec(page) ?? [];
  return { packed: Number(packed) * 1e6, installed: Number(installed) * 1e6 };
}

/** A file with several names counts once: esbuild's program has two. */
async function sizeOf(folder: string): Promise<number> {
  const entries = (await readdir(folder, { withFileTypes: true, recursive: true })).filter((entry) => entry.isFile());
  const files = await Promise.all(entries.map((entry) => stat(join(entry.parentPath, entry.name))));
  const byInode = new Map(files.map(({ ino, size }) => [ino, size]));
  return [...byInode.values()].reduce((sum, size) => sum + size, 0);
}
