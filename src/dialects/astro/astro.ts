import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import type { Dialect, Reading } from '../../contract/dialect.ts';
import { messageOf } from '../../contract/error-message.ts';
import type { Project } from '../../contract/project.ts';
import { type FoundBuild, readBuild } from './hosted/read-build.ts';

/** Builds of Astro for Node: their files, and the routes that they render on demand. */
export const astro: Dialect = {
  name: 'astro',
  looksFor: 'dist/server/entry.mjs of a build with @astrojs/node or nexthop/astro, or the file that ASTRO_ENTRY names',
  read,
};

const DEFAULT_ENTRY = 'dist/server/entry.mjs';
const NOTHING: Reading = { routes: [], ignored: [], problems: [] };

async function read(given: Project): Promise<Reading> {
  const setting = given.astro?.entry ?? DEFAULT_ENTRY;
  if (!(await isFile(resolve(given.root, setting))))
    return setting === DEFAULT_ENTRY ? findUnbuilt(given.root) : missing(setting);
  // Node names modules by their real paths. Without this, a site behind a symbolic link (`current →
  // releases/7`) would have two paths for each file.
  const project = { ...given, root: await realpath(given.root).catch(() => given.root) };
  const entry = await realpath(resolve(project.root, setting));
  const file = relative(project.root, entry).split(sep).join('/');
  let found: FoundBuild | undefined;
  try {
    found = await readBuild(entry);
  } catch (error) {
    return withError(file, `the build cannot be read: ${messageOf(error)}`);
  }
  // Imported only here: the code that runs builds is needed by sites with one.
  if (found) return (await import('./hosted/host-build.ts')).hostBuild({ project, found, file });
  if (setting === DEFAULT_ENTRY) return { ...NOTHING, ignored: [{ file, reason: 'not made by Astro' }] };
  return withError(file, 'is not a build of Astro; ASTRO_ENTRY must name the entry of one');
}

const CONFIG = /^astro\.config\.[cm]?[jt]s$/;

/** A project of Astro that is not built has no pages yet: without a message, it looks like an empty site. */
async function findUnbuilt(root: string): Promise<Reading> {
  const config = (await readdir(root).catch(() => [])).find((name) => CONFIG.test(name));
  // That of a static site.
  if (config === undefined || (await isFile(join(root, 'dist/index.html')))) return NOTHING;
  const manifest = await readFile(join(root, 'package.json'), 'utf8').catch(() => '');
  const command = /"build"\s*:/.test(manifest) ? 'npm run build' : 'npx astro build';
  const message = `the site has no build, so its pages are not served: run ${command}, or name the entry of a build elsewhere with ASTRO_ENTRY`;
  return { ...NOTHING, problems: [{ severity: 'warning', file: config, message }] };
}

function missing(setting: string): Reading {
  return withError(setting, 'does not exist; ASTRO_ENTRY must name the entry of a build of Astro');
}

function withError(file: string, message: string): Reading {
  return { ...NOTHING, problems: [{ severity: 'error', file, message }] };
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}
