import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileFolder, Reading, Vendored } from '../../contract/dialect.ts';
import type { Project } from '../../contract/project.ts';
import type { Route } from '../../contract/route.ts';
import { NO_FILES } from '../../contract/site-files.ts';
import { UnreadyTarget } from '../loader/unready-target.ts';
import { type NetlifyToml, NO_TOML, readNetlifyToml } from './config/netlify-toml.ts';
import { TOML_FILE } from './config/toml-problems.ts';
import { DIST } from './config/toml-settings.ts';
import { openEdgeFunctions, vendorEdgeFunctions } from './edge/open-edge-functions.ts';
import { toAnnouncement } from './events/deploy-event.ts';
import { findDeployFiles } from './find/find-deploy-files.ts';
import { findFunctions } from './find/find-functions.ts';
import { findNotFoundPage, readRuleFiles } from './find/find-rule-files.ts';
import { toFormReading } from './forms/form-reading.ts';
import { ImageCache } from './images/image-cache.ts';
import { findsSharp, ImageConverter } from './images/image-converter.ts';
import { ImageSources } from './images/image-sources.ts';
import { ImageTarget } from './images/image-target.ts';
import { RemoteImages } from './images/remote-images.ts';
import { findLostFolders } from './lost-folders.ts';
import { openFunctions } from './open-functions.ts';
import { toHeaderRoutes } from './rules/to-header-routes.ts';
import { type RedirectRoutes, toRedirectRoutes } from './rules/to-redirect-routes.ts';

/** Stores the modules of URLs that its edge functions import. */
export async function vendorNetlify({ root, dev = false }: Project): Promise<Vendored | undefined> {
  return vendorEdgeFunctions(root, await readNetlifyToml(root, dev));
}

/** Reads a site of this platform. */
export async function readNetlify(given: Project): Promise<Reading> {
  // Node and esbuild identify files by their real paths. Without this, a site behind a symbolic
  // link (`current → releases/7`) would have two paths for each file.
  const project = { ...given, root: await realpath(given.root).catch(() => given.root) };
  const toml = await readNetlifyToml(project.root, project.dev ?? false);
  const [found, edge, ruleFiles, notFoundPage, deployFiles, lost] = await Promise.all([
    findFunctions(project, toml),
    openEdgeFunctions(project, toml),
    readRuleFiles(project.root, toml),
    findNotFoundPage(project.root, toml.publish),
    findDeployFiles(project.root),
    findLostFolders(project, toml),
  ]);
  const opened = await openFunctions(project, { ...found, deployFiles: deployFiles.files });
  // Only for a site of this platform: for others the path has no meaning.
  const parts = [opened.routes, opened.jobRules, edge.routes, ruleFiles.redirects];
  const isUsed = toml !== NO_TOML || parts.some((each) => each.length > 0);
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
  const closed = [...(toml.isClosed ? [TOML_FILE] : []), ...ruleFiles.closed, ...lost.closed].map(toClosedRoute);
  return {
    // Edge functions before the filters of rules.
    routes: [...closed, ...edge.routes, ...opened.routes, ...images, ...headers.routes, ...redirects.routes],
    ignored: [...found.ignored, ...edge.ignored, ...toml.ignored],
    problems: [
      ...edge.problems,
      ...toml.problems,
      ...lost.problems,
      ...ruleFiles.problems,
      ...found.problems,
      ...deployFiles.problems,
      ...opened.problems,
      ...redirects.problems,
      ...headers.problems,
    ],
    // Which pages are served is not known, so nothing can be said of their forms.
    ...(toml.isUnread ? { jobRules: opened.jobRules, lacksSettings: true } : toFormReading(project, opened)),
    ...toAnnouncement(project, toml, opened.subscriptions),
    ...toFindLimits(edge, redirects),
    ...(redirects.lateProblems && { lateProblems: redirects.lateProblems }),
    ...(redirects.answersAll && { answersAll: redirects.answersAll }),
    ...toFileFolders(toml),
  };
}

/** Before all other filters. The pattern matches every path. */
function toClosedRoute(file: string): Route {
  const pattern = { text: 'every path', segments: [{ kind: 'catch-all', name: '', orNone: true }] } as const;
  const target = new UnreadyTarget(file, new Error(`${file} cannot be used; the start and nexthop check say why`));
  return { pattern, methods: 'any', target, step: 1, rank: -2, dialect: 'netlify', file, about: 'closed' };
}

/** Edge functions come first, as they do on the path. */
function toFindLimits(...limited: readonly Pick<Reading, 'findLimits'>[]): Pick<Reading, 'findLimits'> {
  const finders = limited.flatMap(({ findLimits }) => (findLimits ? [findLimits] : []));
  if (finders.length === 0) return {};
  return { findLimits: (exchange) => finders.flatMap((find) => find(exchange)) };
}

/**
 * The folder that `publish` names. `dist` is excluded: the general rule for sites without `publish`
 * decides whether it holds compiled code or files to serve. That rule would serve other folders if
 * there is no `dist`.
 */
function toFileFolders({ publish, publishedBy, isUnbuilt }: NetlifyToml): {
  readonly fileFolders?: readonly FileFolder[];
} {
  if (isUnbuilt) return { fileFolders: [] };
  return publish === undefined || publish === DIST
    ? {}
    : { fileFolders: [{ folder: publish, ...(publishedBy && { namedBy: publishedBy }) }] };
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
  const about = findsSharp(root) ? 'image CDN' : 'image CDN: images as they are, without sharp';
  return { pattern, methods: 'any', target, step: 2, dialect: 'netlify', file: target.name, about };
}
