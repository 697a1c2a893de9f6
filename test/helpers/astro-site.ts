import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { registerSharedWorker } from 'ava/plugin';
import type { BuildResult } from './astro-build-process.ts';
import type { BuildRequest } from './astro-builder.ts';
import { npmInstall } from './npm-install.ts';
import type { Owner } from './shared-by-file.ts';

const FIXTURE = join(import.meta.dirname, '../fixtures/astro');
const REPOSITORY = join(import.meta.dirname, '../..');

/**
 * Installed packages and builds, shared by all test runs on this machine until the fixture changes.
 */
const CACHE = join(tmpdir(), `nexthop-astro-${process.getuid?.() ?? 'user'}`);

/** Builds for all test files of a run. */
const builder = registerSharedWorker<BuildRequest | BuildResult>({
  filename: new URL('astro-builder.ts', import.meta.url),
  supportedProtocols: ['ava-4'],
});

/**
 * A folder of test/fixtures/astro: the last Astro 5, Astro 7, and the first 5.0 and 6.0, whose
 * builds differ in parts that nexthop uses.
 */
export type AstroVersion = 5 | 7 | '5.0' | '6.0';

export interface AstroSetup {
  readonly major: AstroVersion;
  /** Package that exports the adapter; default: @astrojs/node. */
  readonly adapter?: string;
  /** Options of the adapter; default: `{ mode: 'middleware' }`. */
  readonly options?: Readonly<Record<string, unknown>>;
  /**
   * Further settings of the site's `astro.config.mjs`, e.g. `{ base: '/shop', trailingSlash:
   * 'always' }`.
   */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Switches the Content Security Policy on, by the setting of that version. */
  readonly csp?: boolean;
  /** Source files, by path, that replace those of the fixture; null removes one. */
  readonly files?: Readonly<Record<string, string | null>>;
}

/** For a test that waits for npm and for the builds of other tests on a loaded machine. */
const BUILD_TIMEOUT_MS = 400_000;

/**
 * Builds the site of test/fixtures/astro with a real Astro and returns a copy that the test may
 * change: a folder with `dist/` and `node_modules/`. Removed when the test ends. Each setup is
 * built once.
 */
export async function astroSite(t: Owner, setup: AstroSetup): Promise<string> {
  t.timeout(BUILD_TIMEOUT_MS);
  const built = await builtSite(setup);
  const root = await mkdtemp(join(tmpdir(), 'nexthop-astro-site-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  await cp(join(built, 'dist'), join(root, 'dist'), { recursive: true });
  await symlink(join(dirname(built), 'node_modules'), join(root, 'node_modules'));
  return root;
}

/**
 * A folder with the fixture's sources and all packages, not built: for `astro dev` and `astro
 * preview`.
 */
export async function astroSources(t: Owner, setup: AstroSetup): Promise<string> {
  t.timeout(BUILD_TIMEOUT_MS);
  const root = await mkdtemp(join(await installed(setup.major), 'sources-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  await copySources(root, setup);
  return root;
}

/** Environment variables by which a process of Astro gets the setup. */
export function astroEnv({ adapter, options, config, csp }: AstroSetup): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    ASTRO_TELEMETRY_DISABLED: '1',
    ASTRO_FIXTURE: JSON.stringify({ adapter, options, config, csp }),
  };
}

/** Arguments for Node that run Astro's command line in a folder beside these packages. */
export function astroCli(major: AstroSetup['major']): string {
  return `../node_modules/astro/${String(major).startsWith('5') ? 'astro.js' : 'bin/astro.mjs'}`;
}

async function copySources(folder: string, { files = {} }: AstroSetup): Promise<void> {
  await cp(join(FIXTURE, 'site'), folder, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    if (text === null) await rm(join(folder, path));
    else await writeFile(join(folder, path), text);
  }
}

async function builtSite(setup: AstroSetup): Promise<string> {
  const packages = await installed(setup.major);
  // Only the adapter of nexthop runs in a build or is part of it.
  const own = setup.adapter?.startsWith('nexthop') ? await textOf(join(REPOSITORY, 'dist/astro-adapter')) : '';
  const key = hash(toKey(setup), await textOf(join(FIXTURE, 'site')), own);
  return made(join(packages, `build-${key}`), async (folder) => {
    await copySources(folder, setup);
    await build({ packages, folder, env: astroEnv(setup) });
  });
}

/** The same for the same build, whatever of it is written down as a default. */
function toKey({ adapter, options, config = {}, csp = false, files = {} }: AstroSetup): string {
  return JSON.stringify([adapter ?? '@astrojs/node', { mode: 'middleware', ...options }, config, csp, files], sorted);
}

/** For JSON.stringify: the keys of objects in the order of the alphabet. */
function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Rejects with what Astro throws. */
async function build(request: BuildRequest): Promise<void> {
  await builder.available;
  for await (const { data } of builder.publish(request).replies()) {
    const { error } = data as BuildResult; // the builder sends nothing else
    if (error !== undefined) throw new Error(error);
    return;
  }
}

/**
 * A folder with Astro and @astrojs/node of that version, and this repository as the package
 * nexthop.
 */
async function installed(major: AstroSetup['major']): Promise<string> {
  return made(await packagesFolder(major), async (folder) => {
    await cp(join(FIXTURE, String(major)), folder, { recursive: true });
    await linkOthers(folder);
    // Not `npm ci`: it refuses the lock if the registry lacks native packages of Astro for other
    // platforms.
    await npmInstall(folder, ['install', '--ignore-scripts']);
    await symlink(REPOSITORY, join(folder, 'node_modules/nexthop'));
  });
}

async function packagesFolder(major: AstroVersion): Promise<string> {
  // Each checkout on the machine has its own folder, because nexthop is one of the packages.
  return join(CACHE, `${major}-${hash(await textOf(join(FIXTURE, String(major))), REPOSITORY)}`);
}

/**
 * Gives a folder the packages of a version of Astro that is installed, so that npm has to replace
 * only those that differ: this halves its CPU. The files are links, which npm never writes to: it
 * replaces whole packages.
 */
async function linkOthers(folder: string): Promise<void> {
  for (const major of [5, '5.0', '6.0', 7] as const) {
    const packages = join(await packagesFolder(major), 'node_modules');
    if (!(await isThere(packages))) continue;
    // Without the caches of builds, which are rewritten.
    const names = (await readdir(packages)).filter((name) => name === '.bin' || !/^(?:\.|nexthop$)/.test(name));
    const target = join(folder, 'node_modules');
    await mkdir(target);
    await promisify(execFile)('cp', ['-al', ...names.map((name) => join(packages, name)), target]);
    // npm's list of what is installed. npm believes it only if it is newer than the packages.
    await writeFile(join(target, '.package-lock.json'), await readFile(join(packages, '.package-lock.json')));
    return;
  }
}

/**
 * Creates a folder with `make`, unless it exists. Test files run in separate processes: a lock lets
 * one of them work, in a draft beside the folder, which is then renamed.
 */
async function made(folder: string, make: (folder: string) => Promise<void>): Promise<string> {
  if (await isThere(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  return locked(`${folder}.lock`, async () => {
    if (await isThere(folder)) return folder;
    const draft = await mkdtemp(join(dirname(folder), `draft-${basename(folder)}-`));
    try {
      await make(draft);
      await rename(draft, folder).catch(async (error) => {
        // Made by another run that took the lock of this one for a stale one.
        if (!(await isThere(folder))) throw error;
      });
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    return folder;
  });
}

/** How often the owner of a lock renews it. */
const RENEW_LOCK_MS = 5000;

/** A lock that was not renewed for so long belongs to a run that was ended in the middle. */
const STALE_LOCK_MS = 60_000;

/** Runs `work` while no other test file on this machine does so with the same lock. */
async function locked<T>(lock: string, work: () => Promise<T>): Promise<T> {
  while (!(await isTaken(lock))) await new Promise((resolve) => setTimeout(resolve, 100));
  const renewal = setInterval(() => {
    const now = new Date();
    utimes(lock, now, now).catch(() => {}); // it is just removed
  }, RENEW_LOCK_MS);
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await rm(lock, { recursive: true, force: true });
  }
}

async function isTaken(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch {
    // Another test file has it.
  }
  const made = await stat(lock).catch(() => undefined);
  if (made && Date.now() - made.mtimeMs > STALE_LOCK_MS) await rm(lock, { recursive: true, force: true });
  return false;
}

async function isThere(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined)) !== undefined;
}

/** Names and contents of all files below. */
async function textOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts: string[] = [];
  // One by one: many tests at once would open more files than a process may.
  for (const path of paths.sort()) texts.push(`${path}\0${await readFile(path, 'latin1')}`);
  return texts.join('\0');
}

function hash(...texts: readonly string[]): string {
  const sum = createHash('sha256');
  for (const text of texts) sum.update(text).update('\0');
  return sum.digest('hex').slice(0, 16);
}
