import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareNexthop } from './nexthop.ts';
import type { Server } from './server.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCES = join(import.meta.dirname, '..', 'apps', 'astro');
/** Packages and builds, made at their first use. */
const MADE = join(import.meta.dirname, '..', '.run', 'astro');

type Adapter = '@astrojs/node' | 'nexthop/astro';

/** The page of bench/apps/astro by `@astrojs/node` in standalone mode, its own server. */
export const astroNode: Server = {
  name: '@astrojs/node',
  families: ['astro'],
  logs: false,
  find: () => ({ version: versionOf('@astrojs/node') }),
  prepare: async ({ port }) => ({
    program: process.execPath,
    args: [join(await build('@astrojs/node'), 'dist', 'server', 'entry.mjs')],
    environment: { HOST: '127.0.0.1', PORT: String(port), NODE_ENV: 'production' },
  }),
};

/** The same build, hosted by nexthop. */
export const nexthopHosted: Server = {
  name: 'nexthop-hosted',
  families: ['astro'],
  logs: true,
  find: () => ({ version: versionOf('@astrojs/node') }),
  prepare: async (location) => prepareNexthop(location, await build('@astrojs/node')),
};

/** A build of the same sources with the adapter of nexthop. */
export const nexthopAdapter: Server = {
  name: 'nexthop-adapter',
  families: ['astro'],
  logs: true,
  find: () => ({ version: versionOf('astro') }),
  prepare: async (location) => prepareNexthop(location, await build('nexthop/astro')),
};

function versionOf(name: string): string {
  return JSON.parse(readFileSync(join(SOURCES, 'package.json'), 'utf8')).dependencies[name];
}

/** Resolves with the folder of a build, which is made unless it is newer than its sources and the adapter. */
async function build(adapter: Adapter): Promise<string> {
  const folder = join(MADE, adapter.replace('/', '-'));
  const madeAt = newestOf(join(folder, 'dist', 'server', 'entry.mjs'));
  if (
    madeAt > newestOf(SOURCES) &&
    (adapter !== 'nexthop/astro' || madeAt > newestOf(join(ROOT, 'dist', 'astro-adapter')))
  )
    return folder;
  await install();
  const sources = `${folder}.new`;
  await rm(sources, { recursive: true, force: true });
  await cp(SOURCES, sources, { recursive: true });
  await symlink(join(MADE, 'node_modules'), join(sources, 'node_modules'));
  const astro = join(MADE, 'node_modules', 'astro', 'bin', 'astro.mjs');
  run(sources, process.execPath, [astro, 'build'], { ADAPTER: adapter, ASTRO_TELEMETRY_DISABLED: '1' });
  await rm(folder, { recursive: true, force: true });
  await rename(sources, folder);
  return folder;
}

/** Installs Astro, with this repository as the package nexthop. */
async function install(): Promise<void> {
  const packages = join(MADE, 'node_modules');
  const installedAt = newestOf(join(packages, '.package-lock.json'));
  if (existsSync(join(packages, 'nexthop')) && installedAt > newestOf(join(SOURCES, 'package-lock.json'))) return;
  await mkdir(MADE, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) await cp(join(SOURCES, name), join(MADE, name));
  // Not `npm ci`: it refuses the lock if the registry lacks native packages of Astro for other platforms.
  run(MADE, 'npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  await rm(join(packages, 'nexthop'), { force: true });
  await symlink(ROOT, join(packages, 'nexthop'));
}

/** The time of the last change, in ms, of a file or of the files in a folder at any depth; 0 if there is none. */
function newestOf(path: string): number {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return stats?.mtimeMs ?? 0;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestOf(join(path, name))), 0);
}

function run(cwd: string, program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): void {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env: { ...process.env, ...environment },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed in ${cwd}: ${stdout}${stderr}`);
}
