import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dialect, FileFolder, Reading } from '../../contract/dialect.ts';
import type { Project } from '../../contract/project.ts';
import type { Route } from '../../contract/route.ts';
import { NO_FILES } from '../../contract/site-files.ts';
import { DIST, type NetlifyToml, NO_TOML, readNetlifyToml } from './config/netlify-toml.ts';
import { openEdgeFunctions, vendorEdgeFunctions } from './edge/open-edge-functions.ts';
import { toAnnouncement } from './events/deploy-event.ts';
import { findDeployFiles } from './find/find-deploy-files.ts';
import { findFunctions } from './find/find-functions.ts';
import { findNotFoundPage, readRuleFiles } from './find/find-rule-files.ts';
import { toFormReading } from './forms/form-reading.ts';
import { ImageCache } from './images/image-cache.ts';
import { ImageConverter } from './images/image-converter.ts';
import { ImageSources } from './images/image-sources.ts';
import { ImageTarget } from './images/image-target.ts';
import { RemoteImages } from './images/remote-images.ts';
import { openFunctions } from './open-functions.ts';
import { toHeaderRoutes } from './rules/to-header-routes.ts';
import { type RedirectRoutes, toRedirectRoutes } from './rules/to-redirect-routes.ts';

/**
 * The dialect of Netlify: its functions, including those that frameworks generate, the settings of
 * `netlify.toml`, and the redirects and
 * headers of `_redirects`, `_headers` and `netlify.toml`.
 */
export const netlify: Dialect = {
  name: 'netlify',
  looksFor:
    'netlify/functions/, or the folder that netlify.toml names: .js .mjs .cjs .ts .tsx .mts .cts files, or folders with such a main file; netlify.toml; _redirects, _headers; netlify/edge-functions/',
  read,
  vendor: async (project) =>
    vendorEdgeFunctions(project.root, await readNetlifyToml(project.root, project.dev ?? false)),
};

async function read(given: Project): Promise<Reading> {
  // Node and esbuild identify files by their real paths. Without this, a site behind a symbolic
  // link (`current → releases/7`) would have two paths for each file.
  const project = { ...given, root: await realpath(given.root).catch(() => given.root) };
  const toml = await readNetlifyToml(project.root, project.dev ?? false);
  const [found, edge, ruleFiles, notFoundPage, deployFiles] = await Promise.all([
    findFunctions(project, toml),
    openEdgeFunctions(project, toml),
    readRuleFiles(project.root, toml),
    findNotFoundPage(project.root, toml.publish),
    findDeployFiles(project.root),
  ]);
  const opened = await openFunctions(project, { ...found, deployFiles: deployFiles.files });
  // Only for a site of this platform: for others the path has no meaning.
  const isUsed = toml !== NO_TOML || opened.routes.length > 0 || ruleFiles.redirects.length > 0;
  const images = isUsed && !project.ahead ? [toImageRoute(project, toml.remoteImages)] : [];
  // Redirects depend on the routes of functions. With `ahead` no function is loaded, so there are
  // no such routes.
  const redirects: RedirectRoutes = project.ahead
    ? { routes: [], problems: [] }
    : toRedirectRoutes({
        rules: [...ruleFiles.redirects, ...toml.redirects],
        functions: [...opened.routes, ...images],
        project,
        notFoundPage,
      });
  const headers = toHeaderRoutes({ rules: [...ruleFiles.headers, ...toml.headers], functions: opened.routes, project });
  return {
    // Edge functions before the filters of rules.
    routes: [...edge.routes, ...opened.routes, ...images, ...headers.routes, ...redirects.routes],
    ignored: [...found.ignored, ...edge.ignored, ...toml.ignored],
    problems: [
      ...edge.problems,
      ...toml.problems,
      ...ruleFiles.problems,
      ...found.problems,
      ...deployFiles.problems,
      ...opened.problems,
      ...redirects.problems,
      ...headers.problems,
    ],
    ...toFormReading(project, opened),
    ...toAnnouncement(project, toml, opened.subscriptions),
    ...(redirects.findLimits && { findLimits: redirects.findLimits }),
    ...(redirects.lateProblems && { lateProblems: redirects.lateProblems }),
    ...(redirects.answersAll && { answersAll: redirects.answersAll }),
    ...toFileFolders(toml),
  };
}

/**
 * The folder that `publish` names. `dist` is excluded: the general rule for sites without `publish`
 * decides whether it holds compiled code or files to serve. That rule would serve other folders if
 * there is no `dist`.
 */
function toFileFolders({ publish, isUnbuilt }: NetlifyToml): { readonly fileFolders?: readonly FileFolder[] } {
  if (isUnbuilt) return { fileFolders: [] };
  return publish === undefined || publish === DIST ? {} : { fileFolders: [{ folder: publish }] };
}

/** The route of `/.netlify/images`. `patterns`: match URLs of images on other hosts that are allowed. Nothing is opened and no package is loaded before its first request. */
function toImageRoute(project: Project, patterns: readonly RegExp[]): Route {
  const { root, dataDir, log, files = NO_FILES, siteRequests, origins, imageCacheBytes = 0 } = project;
  const target = new ImageTarget({
    sources: new ImageSources({ files, siteRequests, origins, remote: new RemoteImages(patterns) }),
    converter: new ImageConverter(root),
    cache: new ImageCache({ folder: join(dataDir, 'images'), limitBytes: imageCacheBytes, log }),
    log,
  });
  const segments = ['.netlify', 'images'].map((text) => ({ kind: 'literal', text }) as const);
  const pattern = { text: '/.netlify/images', segments };
  return { pattern, methods: 'any', target, step: 2, dialect: 'netlify', file: target.name, about: 'image CDN' };
}
