import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type PluginBuild } from 'esbuild';

/** ava's own folder. Its files are not exported: package.json pins its version. */
const AVA = dirname(dirname(fileURLToPath(import.meta.resolve('ava'))));
const CACHE = join(import.meta.dirname, '../../node_modules/.cache');

/** The state of a thread. These few files stay out of the bundle, because `import 'ava'` in a test loads them, too, and must get the same objects. */
const STATE = /^\.\/(?:channel|options|state)\.js$/;

/** For packages in the bundle that are CommonJS and load modules of Node. */
const REQUIRE = `import { createRequire as toRequire } from 'node:module'; const require = toRequire(import.meta.url);`;

/**
 * Bundles what ava loads in the thread of each test file: one file instead of 400, which takes half of the CPU of an empty test file. Made once and kept, like the
 * cache of compiled code. Resolves with the path of the file with which a thread begins.
 */
export async function bundleThread(): Promise<string> {
  const texts = [join(AVA, 'package.json'), import.meta.filename].map((path) => readFile(path, 'utf8'));
  const key = createHash('sha256')
    .update((await Promise.all(texts)).join())
    .digest('hex')
    .slice(0, 16);
  const folder = join(CACHE, `ava-thread-${key}`);
  // ava leaves files of a folder `ava` out of the stacks that it reports.
  const file = join(folder, 'ava/thread.js');
  if (await isThere(file)) return file;
  await mkdir(CACHE, { recursive: true });
  const draft = await mkdtemp(`${folder}-`);
  try {
    await build({
      entryPoints: { 'ava/thread': join(AVA, 'lib/worker/base.js') },
      outdir: draft,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: `node${process.versions.node}`,
      banner: { js: REQUIRE },
      plugins: [{ name: 'state', setup: leaveState }],
    });
    await writeFile(join(draft, 'package.json'), '{ "type": "module" }');
    await rename(draft, folder).catch(async (error) => {
      // Another run in this folder was faster.
      if (!(await isThere(file))) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return file;
}

function leaveState({ onResolve }: PluginBuild): void {
  onResolve({ filter: STATE }, ({ path, resolveDir }) => {
    return resolveDir === join(AVA, 'lib/worker') ? { path: join(resolveDir, path), external: true } : undefined;
  });
}

/** Lets the main process of ava begin each thread with a file of this path. */
export async function startThreadsWith(path: string): Promise<void> {
  const fork = await import(join(AVA, 'lib/fork.js'));
  fork._testOnlyReplaceWorkerPath(pathToFileURL(path));
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
