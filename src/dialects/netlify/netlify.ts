import { realpath } from 'node:fs/promises';
import type { Dialect, FileFolder, Reading } from '../../contract/dialect.ts';
import type { Project } from '../../contract/project.ts';
import { DIST, readNetlifyToml } from './config/netlify-toml.ts';
import { findFunctions } from './find/find-functions.ts';
import { findUnused } from './find/find-unused.ts';
import { openFunctions } from './open-functions.ts';
import { toRedirectRoutes } from './rules/to-redirect-routes.ts';

/** Netlify Functions, those of frameworks included, and what `netlify.toml` says of them and of paths. */
export const netlify: Dialect = {
  name: 'netlify',
  looksFor:
    'netlify/functions/, or the folder that netlify.toml names: .js .mjs .cjs .ts .tsx .mts .cts files, or folders with such a main file; netlify.toml',
  read,
};

async function read(given: Project): Promise<Reading> {
  // Node and esbuild name files by their real paths; a site behind a link (`current → releases/7`) would be two places.
  const project = { ...given, root: await realpath(given.root).catch(() => given.root) };
  const toml = await readNetlifyToml(project.root, project.dev ?? false);
  const [found, unused] = await Promise.all([findFunctions(project, toml), findUnused(project.root, toml.publish)]);
  const opened = await openFunctions(project, found);
  // They are about the routes of functions, of which there are none where nothing is run.
  const redirects = toRedirectRoutes(project.ahead ? [] : toml.redirects, opened.routes, project.createRouter);
  return {
    routes: [...opened.routes, ...redirects.routes],
    ignored: found.ignored,
    problems: [...unused, ...toml.problems, ...found.problems, ...opened.problems, ...redirects.problems],
    jobRules: opened.jobRules,
    ...nameFolder(toml.publish),
  };
}

/** The folder of files that the site publishes. `dist` is left to the rule for sites that name none. */
function nameFolder(publish: string | undefined): { readonly fileFolders?: readonly FileFolder[] } {
  return publish === undefined || publish === DIST ? {} : { fileFolders: [{ folder: publish }] };
}
