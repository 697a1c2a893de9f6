import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';

const FIXTURE = join(import.meta.dirname, '../fixtures/astro');
const REPOSITORY = join(import.meta.dirname, '../..');

/** One machine installs and builds once for all runs of the tests, until the fixture changes. */
const CACHE = join(tmpdir(), `nexthop-astro-${process.getuid?.() ?? 'user'}`);

/** A folder of test/fixtures/astro: the last Astro 5, Astro 7, and the first 5.0 and 6.0, in which the parts that nexthop uses are different. */
export type AstroVersion = 5 | 7 | '5.0' | '6.0';

export interface AstroSetup {
  readonly major: AstroVersion;
  /** Package that exports the adapter; default: @astrojs/node. */
  readonly adapter?: string;
  /** The adapter's; default: `{ mode: 'middleware' }`. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** What the site's `astro.config.mjs` gets in addition, e.g. `{ base: '/shop', trailingSlash: 'always' }`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Content Security Policy on, under the name that the major knows. */
  readonly csp?: boolean;
  /** Source files of the site, by path, that are other ones than in the fixture; null: there is none. */
  readonly files?: Readonly<Record<string, string | null>>;
}

/**
 * Builds the site of test/fixtures/astro with a real Astro and gives a copy of the result, which the test may change: a folder with
 * `dist/` and `node_modules/`. Removed when the test ends. The same setup is built once.
 */
export async function astroSite(t: ExecutionContext, setup: AstroSetup): Promise<string> {
  // The first in a run waits for npm.
  t.timeout(240_000);
  const built = await builtSite(setup);
  const root = await mkdtemp(join(tmpdir(), 'nexthop-astro-site-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  await cp(join(built, 'dist'), join(root, 'dist'), { recursive: true });
  await symlink(join(dirname(built), 'node_modules'), join(root, 'node_modules'));
  return root;
}

/** A folder with the fixture's sources and all packages, not built: for `astro dev` and `astro preview`. */
export async function astroSources(t: ExecutionContext, setup: AstroSetup): Promise<string> {
  t.timeout(240_000);
  const root = await mkdtemp(join(await installed(setup.major), 'sources-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  await copySources(root, setup);
  return root;
}

/** What a process of Astro's gets to hear of the setup. */
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
  // Of nexthop its adapter alone is at work in a build, or part of it.
  const own = setup.adapter?.startsWith('nexthop') ? await textOf(join(REPOSITORY, 'dist/astro-adapter')) : '';
  const key = hash(JSON.stringify(setup), await textOf(join(FIXTURE, 'site')), own);
  return made(join(packages, `build-${key}`), async (folder) => {
    await copySources(folder, setup);
    await run(folder, process.execPath, [astroCli(setup.major), 'build'], astroEnv(setup));
  });
}

/** Astro and the stock adapter of that major, and this repository under its name. */
async function installed(major: AstroSetup['major']): Promise<string> {
  const fixture = join(FIXTURE, String(major));
  // Another checkout on the same machine has packages of its own, as nexthop is one of them.
  return made(join(CACHE, `${major}-${hash(await textOf(fixture), REPOSITORY)}`), async (folder) => {
    await cp(fixture, folder, { recursive: true });
    // Not `npm ci`: a registry need not hold the builds of Astro's parts for other platforms, without which it refuses the lock.
    await run(
      folder,
      'npm',
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
      process.env,
    );
    await symlink(REPOSITORY, join(folder, 'node_modules/nexthop'));
  });
}

/**
 * The folder, made by `make` unless it is there. Test files run in processes of their own: each may make one, beside the place and
 * with the same parent, and the first to finish has made it.
 */
async function made(folder: string, make: (folder: string) => Promise<void>): Promise<string> {
  if (await isThere(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
  return locked(`${folder}.lock`, async () => {
    if (await isThere(folder)) return folder;
    const draft = await mkdtemp(join(dirname(folder), `draft-${basename(folder)}-`));
    try {
      await make(draft);
      await rename(draft, folder);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    return folder;
  });
}

/** A lock older than this belongs to a run that was ended in the middle. */
const STALE_LOCK_MS = 180_000;

async function locked<T>(lock: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      await mkdir(lock);
      break;
    } catch {
      // Somebody has it.
      const made = await stat(lock).catch(() => undefined);
      if (made && Date.now() - made.mtimeMs > STALE_LOCK_MS) await rm(lock, { recursive: true, force: true });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  try {
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
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

function run(cwd: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const hear = (chunk: Buffer): void => {
      output += chunk;
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`));
    });
  });
}
