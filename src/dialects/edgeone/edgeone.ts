import { realpath } from 'node:fs/promises';
import type { Dialect, FileFolder, Reading } from '../../contract/dialect.ts';
import type { Project } from '../../contract/project.ts';
import { survey } from '../loader/survey.ts';
import type { EdgeOneJson } from './config/check-edgeone-json.ts';
import { readEdgeOneJson } from './config/edgeone-json.ts';
import { findUnused } from './find-unused.ts';
import { findFiles, findMisspelt, isEntry } from './functions/find-files.ts';
import { openEntries } from './functions/open-entries.ts';
import { installKv } from './kv/kv-binding.ts';
import { openFilters } from './open-filters.ts';

/** EdgeOne Pages: the functions below `cloud-functions/`, `middleware.js` and `edgeone.json`. */
export const edgeone: Dialect = {
  name: 'edgeone',
  looksFor:
    'cloud-functions/**, else node-functions/**: .js .ts .cjs .jsx .tsx files with onRequest… or an app; middleware.js or .ts; edgeone.json',
  read,
};

async function read(given: Project): Promise<Reading> {
  const kvProblems = given.ahead ? [] : installKv(given);
  // Node and esbuild name files by their real paths; a site behind a link (`current → releases/7`) would be two places.
  const project = { ...given, root: await realpath(given.root).catch(() => given.root) };
  const { json, problems } = await readEdgeOneJson(project.root);
  const [filters, functions, unused] = await Promise.all([
    openFilters(project, json),
    readFunctions(withOwnLimits(project, json), json),
    findUnused(project.root),
  ]);
  return {
    routes: [...filters.routes, ...functions.routes],
    ignored: [...filters.ignored, ...functions.ignored],
    problems: [...kvProblems, ...problems, ...filters.problems, ...functions.problems, ...unused],
    ...toFileFolders(json),
  };
}

/** The site's own word on how long its functions may run comes before that of whoever runs it. */
function withOwnLimits(project: Project, { maxDurationMs }: EdgeOneJson): Project {
  const { functionLimits } = project;
  return { ...project, functionLimits: { ...functionLimits, timeoutMs: maxDurationMs ?? functionLimits.timeoutMs } };
}

/** Only entries are ever run; which files those are is found by looking at what they export. */
async function readFunctions(project: Project, { externalPackages }: EdgeOneJson): Promise<Reading> {
  const { files, ignored: passedOver, problems } = await findFiles(project.root);
  if (files.length === 0) return { routes: [], ignored: passedOver, problems };

  const found = await survey(
    project,
    files.map(({ path }) => path),
  );
  const entries = files.filter((file) => isEntry(file, found));
  const helpers = files.filter((file) => !entries.includes(file));
  const ignored = helpers.map(({ file }) => ({ file, reason: 'exports no handler and no app: a helper' }));
  const misspelt = await findMisspelt(files, found);
  const opened = await openEntries({ project, files: entries, survey: found, external: externalPackages });
  return {
    routes: opened.routes,
    ignored: [...passedOver, ...ignored, ...opened.ignored],
    problems: [...problems, ...misspelt, ...opened.problems],
  };
}

/** None where `edgeone.json` sets nothing that concerns files. With its own rule for slashes the folder must not apply a second one. */
function toFileFolders({ outputDirectory, trailingSlash }: EdgeOneJson): {
  readonly fileFolders?: readonly FileFolder[];
} {
  if (outputDirectory === undefined && trailingSlash === undefined) return {};
  const folder = outputDirectory !== undefined && { folder: outputDirectory };
  return { fileFolders: [{ ...folder, ...(trailingSlash !== undefined && { slash: 'either' }) }] };
}
