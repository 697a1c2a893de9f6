import { realpath, stat } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import type { Dialect, Reading } from '../../contract/dialect.ts';
import type { Project } from '../../contract/project.ts';
import { hostBuild } from './hosted/host-build.ts';
import { type FoundBuild, readBuild } from './hosted/read-build.ts';

/** Builds of Astro for Node: their files, and what they render on demand. */
export const astro: Dialect = {
  name: 'astro',
  looksFor: 'dist/server/entry.mjs of a build with @astrojs/node or nexthop/astro, or what ASTRO_ENTRY names',
  read,
};

const DEFAULT_ENTRY = 'dist/server/entry.mjs';
const NOTHING: Reading = { routes: [], ignored: [], problems: [] };

async function read(given: Project): Promise<Reading> {
  const setting = given.astro?.entry ?? DEFAULT_ENTRY;
  // Nearly all sites are none of Astro's; this is all that it costs them.
  if (!(await isFile(resolve(given.root, setting)))) return setting === DEFAULT_ENTRY ? NOTHING : missing(setting);
  // Node names modules by their real paths; a site behind a link (`current → releases/7`) would be two places.
  const project = { ...given, root: await realpath(given.root).catch(() => given.root) };
  const entry = await realpath(resolve(project.root, setting));
  const file = relative(project.root, entry).split(sep).join('/');
  let found: FoundBuild | undefined;
  try {
    found = await readBuild(entry);
  } catch (error) {
    return withError(file, `the build cannot be read: ${messageOf(error)}`);
  }
  if (found) return hostBuild({ project, found, file });
  if (setting === DEFAULT_ENTRY) return { ...NOTHING, ignored: [{ file, reason: 'the server of no Astro site' }] };
  return withError(file, 'is no build of Astro; ASTRO_ENTRY must name the entry of one');
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
