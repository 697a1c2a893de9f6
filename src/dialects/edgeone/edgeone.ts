import { realpath } from 'node:fs/promises';
import type { Dialect, FileFolder, Reading } from '../../contract/dialect.ts';
import type { Project } from '../../contract/project.ts';
import type { Route } from '../../contract/route.ts';
import type { Target } from '../../contract/target.ts';
import { survey } from '../loader/survey.ts';
import { readAgents } from './agents/read-agents.ts';
import type { EdgeOneJson } from './config/check-edgeone-json.ts';
import { readEdgeOneJson } from './config/edgeone-json.ts';
import { toRedirectFilter } from './config/redirect-filter.ts';
import { toRewriteFilter } from './config/rewrite-filter.ts';
import { findUnused } from './find-unused.ts';
import { type FunctionFile, findFiles, findMisspelt, isEntry } from './functions/find-files.ts';
import { openEntries } from './functions/open-entries.ts';
import { installKv } from './kv/kv-binding.ts';
import { openMiddleware } from './middleware/open-middleware.ts';

/** EdgeOne Pages: the functions below `cloud-functions/`, `middleware.js` and `edgeone.json`. */
export const edgeone: Dialect = {
  name: 'edgeone',
  looksFor:
    'cloud-functions/**, else node-functions/**: .js .ts .cjs .jsx .tsx files with onRequest… or an app; middleware.js or .ts; edgeone.json',
  read,
};

async function read(given: Project): Promise<Reading> {
  const kvProblems = given.ahead ? [] : installKv(given);
  // Node and esbuild name files by their real paths. With a site behind a link (`current →
  // releases/7`) the same file would have two names.
  const project = { ...given, root: await realpath(given.root).catch(() => given.root) };
  const { json, problems } = await readEdgeOneJson(project.root);
  const readings = await Promise.all([
    openFilters(project, json),
    readAgents(project, json),
    readFunctions(withOwnLimits(project, json), json),
  ]);
  const unused = await findUnused(project.root, json);
  return {
    routes: readings.flatMap(({ routes }) => routes),
    ignored: readings.flatMap(({ ignored }) => ignored),
    problems: [...kvProblems, ...problems, ...readings.flatMap((reading) => reading.problems), ...unused],
    ...toFileFolders(json),
  };
}

/**
 * The filters in their order: redirects of `edgeone.json`; the middleware, which gets the target
 * that the client requested; then headers and rewrites of `edgeone.json`, which get the target that
 * the middleware left.
 */
async function openFilters(project: Project, json: EdgeOneJson): Promise<Reading> {
  const middleware = await openMiddleware(project);
  const filters = [
    { target: toRedirectFilter(json), text: 'redirects' },
    { target: middleware.filter, text: 'middleware' },
    { target: toRewriteFilter(json), text: 'headers, rewrites' },
  ];
  const routes = filters.flatMap(({ target, text }) => (target ? [toFilterRoute(target, text)] : []));
  return { ...middleware, routes };
}

/** The pattern matches every path. Its text is a label for lists of routes. */
function toFilterRoute(target: Target, text: string): Route {
  const pattern = { text, segments: [{ kind: 'catch-all', name: '' }] } as const;
  return { pattern, methods: 'any', target, step: 1, dialect: 'edgeone', file: target.name };
}

/** `maxDuration` of the site replaces the time limit of the settings (`FUNCTION_TIMEOUT`). */
function withOwnLimits(project: Project, { maxDurationMs }: EdgeOneJson): Project {
  const { functionLimits } = project;
  return { ...project, functionLimits: { ...functionLimits, timeoutMs: maxDurationMs ?? functionLimits.timeoutMs } };
}

/**
 * Runs only files that are entries. Whether a file is one is read from its exports, without running
 * it.
 */
async function readFunctions(project: Project, { externalPackages }: EdgeOneJson): Promise<Reading> {
  const { files, ignored: skipped, problems } = await findFiles(project.root);
  if (files.length === 0) return { routes: [], ignored: skipped, problems };

  const found = await survey(
    project,
    files.map(({ path }) => path),
  );
  // The text of a file that cannot be parsed may not show that it is an entry.
  const isBroken = ({ path, file }: FunctionFile): boolean =>
    found.brokenTexts.has(path) && project.warmCode?.findGood(file) !== undefined;
  const entries = files.filter((file) => isEntry(file, found) || isBroken(file));
  const helpers = files.filter((file) => !entries.includes(file));
  const ignored = helpers.map(({ file }) => ({ file, reason: 'exports no handler and no app: a helper' }));
  const misspelt = await findMisspelt(files, found);
  const opened = await openEntries({ project, files: entries, survey: found, external: externalPackages });
  return {
    routes: opened.routes,
    ignored: [...skipped, ...ignored, ...opened.ignored],
    problems: [...problems, ...misspelt, ...opened.problems],
  };
}

/**
 * None if `edgeone.json` has no key about files. With `trailingSlash`, the redirect filter decides
 * about slashes, so the folder accepts both forms.
 */
function toFileFolders({ outputDirectory, trailingSlash }: EdgeOneJson): {
  readonly fileFolders?: readonly FileFolder[];
} {
  if (outputDirectory === undefined && trailingSlash === undefined) return {};
  const folder = outputDirectory !== undefined && { folder: outputDirectory };
  return { fileFolders: [{ ...folder, ...(trailingSlash !== undefined && { slash: 'either' }) }] };
}
