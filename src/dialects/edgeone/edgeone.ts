import { realpath } from 'node:fs/promises';
import type { Dialect, FileFolder, Reading } from '../../contract/dialect.ts';
import type { Effect } from '../../contract/effect.ts';
import type { Exchange } from '../../contract/exchange.ts';
import type { Project } from '../../contract/project.ts';
import type { Route } from '../../contract/route.ts';
import type { Outcome, Target } from '../../contract/target.ts';
import { patchRequest } from '../../http/patch-request.ts';
import { readAgents } from './agents/read-agents.ts';
import { openPagesBlob } from './blobs/open-pages-blob.ts';
import type { EdgeOneJson } from './config/check-edgeone-json.ts';
import { type EdgeOneJsonReading, readEdgeOneJson } from './config/edgeone-json.ts';
import { toRedirectFilter } from './config/redirect-filter.ts';
import { toRewriteFilter } from './config/rewrite-filter.ts';
import { findCovered, readEdgeFunctions } from './edge/read-edge-functions.ts';
import { findUnused } from './find-unused.ts';
import { CloudFunctions } from './functions/cloud-functions.ts';
import { CLOUD_FUNCTIONS } from './functions/find-files.ts';
import { type FunctionsReading, readFunctions } from './functions/read-functions.ts';
import { installKv } from './kv/kv-binding.ts';
import { findLostFunctions } from './lost-folders.ts';
import { openMiddleware } from './middleware/open-middleware.ts';
import { readSchedules } from './schedules/read-schedules.ts';

/** EdgeOne Pages: the functions below `cloud-functions/`, `middleware.js` and `edgeone.json`. */
export const edgeone: Dialect = {
  name: 'edgeone',
  looksFor:
    'cloud-functions/**, else node-functions/**: .js .ts .cjs .jsx .tsx files with onRequest… or an app; middleware.js or .ts; edgeone.json',
  read,
};

async function read(given: Project): Promise<Reading> {
  const kvProblems = given.ahead ? [] : installKv(given);
  const uploads = given.ahead ? undefined : openPagesBlob(given);
  // Node and esbuild name files by their real paths. With a site behind a link (`current →
  // releases/7`) the same file would have two names.
  const project = { ...given, root: await realpath(given.root).catch(() => given.root) };
  const settings = await readEdgeOneJson(project.root);
  const { json, problems, file } = settings;
  const readings = await Promise.all([
    openFilters(project, json),
    readEdgeFunctions(project, json.externalPackages),
    readAgents(project, json),
    readCloudFunctions(project, json),
    readSchedules(project, json, file),
  ]);
  const [, edge, agents, cloud] = readings;
  const usesUploads = [edge, agents, cloud].some((reading) => reading.usesUploads);
  const unused = [...(await findUnused(project.root)), ...(await findLostFunctions(project.root))];
  const covered = await findCovered(project.root, edge.routes, cloud.routes);
  return {
    routes: [
      ...(uploads && usesUploads ? [toFilterRoute(uploads, 'uploads')] : []),
      ...toStripRoutes(json, agents.routes.length > 0),
      ...readings.flatMap(({ routes }) => routes),
    ],
    ignored: readings.flatMap(({ ignored }) => ignored),
    problems: [...kvProblems, ...problems, ...readings.flatMap((reading) => reading.problems), ...unused, ...covered],
    jobRules: readings.flatMap(({ jobRules = [] }) => jobRules),
    lateProblems: () => readings.flatMap(({ lateProblems }) => lateProblems?.() ?? []),
    ...(settings.isUnread && { lacksSettings: true }),
    ...toFileFolders(settings),
  };
}

/** The filter that removes headers of the platform from requests of clients; none if no code may trust them. */
function toStripRoutes({ schedules }: EdgeOneJson, hasAgents: boolean): readonly Route[] {
  const names = [
    ...(schedules.length > 0 ? ['x-edgeone-schedule', 'x-edgeone-schedule-time'] : []),
    ...(hasAgents ? ['makers-user-id', 'edge-inner-user-id'] : []),
  ];
  return names.length === 0 ? [] : [toFilterRoute(new StripFilter(names), 'headers of the platform')];
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
  return {
    ...middleware,
    routes: routes.map((route) => (route.target === middleware.filter ? toGuard(route) : route)),
  };
}

function toGuard(route: Route): Route {
  return { ...route, guards: { kind: 'middleware', names: [route.file] } };
}

/** The pattern matches every path. Its text is a label for lists of routes. */
function toFilterRoute(target: Target, text: string): Route {
  const pattern = { text, segments: [{ kind: 'catch-all', name: '' }] } as const;
  return { pattern, methods: 'any', target, step: 1, dialect: 'edgeone', file: target.name };
}

/** `maxDuration` of the site replaces the time limit of the settings (`FUNCTION_TIMEOUT`). */
function readCloudFunctions(
  given: Project,
  { maxDurationMs, externalPackages }: EdgeOneJson,
): Promise<FunctionsReading> {
  const { functionLimits } = given;
  const timeoutMs = maxDurationMs ?? functionLimits.timeoutMs;
  const project = { ...given, functionLimits: { ...functionLimits, timeoutMs } };
  const kind = new CloudFunctions(project);
  return readFunctions({ project, kind, location: CLOUD_FUNCTIONS, external: externalPackages });
}

/**
 * None if `edgeone.json` has no key about files. With `trailingSlash`, the redirect filter decides
 * about slashes, so the folder accepts both forms.
 */
function toFileFolders({ json, file, locationOf }: EdgeOneJsonReading): {
  readonly fileFolders?: readonly FileFolder[];
} {
  const { outputDirectory, trailingSlash } = json;
  if (outputDirectory === undefined && trailingSlash === undefined) return {};
  const key = 'outputDirectory';
  const namedBy = { file, ...locationOf?.(key), key };
  const folder = outputDirectory !== undefined && { folder: outputDirectory, namedBy };
  return { fileFolders: [{ ...folder, ...(trailingSlash !== undefined && { slash: 'either' }) }] };
}

/**
 * Removes headers that only the platform sets, because functions trust them. A client may send them
 * through a trusted proxy, too. Runs before all other filters.
 */
class StripFilter implements Target {
  readonly name = 'edgeone.json';
  readonly isOwn = true;
  readonly #names: readonly string[];

  /** `names`: in lower case. */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  describe(): Effect {
    return { text: `removes ${this.#names.join(', ')} from the request`, outcome: 'passes' };
  }

  answer({ request }: Exchange): Outcome {
    if (request.isOwn) return 'passed';
    const found = [
      ...this.#names.filter((name) => request.get(name) !== undefined),
      ...(request.hasUnderscoreName ? this.#findSimilar(request.headers) : []),
    ];
    if (found.length > 0) {
      patchRequest(
        request,
        found.map((name) => [name, undefined]),
      );
    }
    return 'passed';
  }

  /** Names with underscores: a server that reads headers as CGI does cannot tell them from the others. */
  #findSimilar(headers: readonly string[]): readonly string[] {
    return headers
      .filter((_, at) => at % 2 === 0)
      .map((name) => name.toLowerCase())
      .filter((name) => name.includes('_') && this.#names.includes(name.replaceAll('_', '-')));
  }
}
