import { createHash } from 'node:crypto';
import { type Config, processEnv, SiteEnv } from '../config/config.ts';
import type { Log } from '../contract/log.ts';
import type { Project } from '../contract/project.ts';
import { createRouter } from '../routing/router.ts';
import { readEnvFile } from './env-file.ts';
import { findSettingProblems } from './setting-problems.ts';

export interface ProjectParts
  extends Pick<
    Project,
    | 'jobs'
    | 'kv'
    | 'blobs'
    | 'warmCode'
    | 'fileFacts'
    | 'onLateCode'
    | 'origins'
    | 'rateLimits'
    | 'onOutside'
    | 'ownCalls'
    | 'purging'
    | 'withCache'
  > {
  /** The variables of an earlier reading of the site, which are replaced. Default: none. */
  readonly siteEnv?: SiteEnv;
}

/**
 * What the dialects get of the site and its settings. The variables of the site's `.env` are added
 * to those of the process, for functions and for `process.env` alike; the process takes precedence.
 * If neither has a NODE_ENV, the default of nexthop is added.
 */
export async function openProject(
  config: Config,
  log: Log,
  { siteEnv = new SiteEnv(), ...state }: ProjectParts = {},
): Promise<Project> {
  const envFile = await readEnvFile(config.site);
  const { values } = envFile;
  const { functionEnv } = config;
  const NODE_ENV = functionEnv.NODE_ENV || values.NODE_ENV || config.nodeEnv;
  const nodeEnv = NODE_ENV === undefined ? {} : { NODE_ENV };
  siteEnv.exchange({ ...toPurgeEnv(config.site, state), ...values, ...nodeEnv });
  return {
    root: config.site,
    dataDir: config.DATA_DIR,
    privatePaths: [config.LOG_DIR, ...Object.values(config.certificate ?? {})].filter((path) => path !== ''),
    log,
    region: config.REGION,
    env: { ...values, ...functionEnv, ...nodeEnv },
    functionLimits: {
      bodyBytes: config.FUNCTION_BODY_LIMIT,
      timeoutMs: config.FUNCTION_TIMEOUT,
      streamMs: config.FUNCTION_STREAM_TIMEOUT,
      streamBytes: config.FUNCTION_STREAM_LIMIT,
      backgroundBodyBytes: config.BACKGROUND_BODY_LIMIT,
      backgroundMs: config.BACKGROUND_TIMEOUT,
      scheduledMs: config.SCHEDULE_TIMEOUT,
    },
    body: config.BODY,
    agentTimeoutMs: config.AGENT_TIMEOUT,
    agentMessageBytes: config.AGENT_MESSAGE_LIMIT,
    agentTools: config.AGENT_TOOLS,
    ignoresEdgeFunctions: config.EDGE_FUNCTIONS === 'ignore',
    createRouter,
    processEnv: processEnv(),
    dev: config.DEV,
    hasNextHop: config.given.has('NEXT_HOP'),
    imageCacheBytes: config.IMAGE_CACHE_LIMIT,
    ...mockCountry(config),
    forms: { bodyBytes: config.FORM_BODY_LIMIT, perMinute: config.FORM_RATE },
    kvBindings: config.KV_BINDINGS,
    capturesBlobs: config.BLOBS_CAPTURE,
    astro: { entry: config.ASTRO_ENTRY, ownsNotFound: config.ASTRO_OWNS_404 },
    ...state,
    problems: [...envFile.problems, ...findSettingProblems(config, envFile)],
  };
}

/**
 * `purgeCache()` of `@netlify/functions` throws without these variables. They are not in the `env` of the project, because
 * there a SITE_ID is one that the user has chosen.
 */
function toPurgeEnv(site: string, { purging }: ProjectParts): Readonly<Record<string, string>> {
  if (!purging) return {};
  const digest = createHash('sha256').update(site).digest('hex');
  const SITE_ID = digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  return { NETLIFY_PURGE_API_TOKEN: purging.token, SITE_ID };
}

/** A configured country alone switches the mock on. */
function mockCountry({ GEO, COUNTRY }: Config): { readonly mockCountry?: string } {
  return GEO === 'mock' || COUNTRY !== '' ? { mockCountry: COUNTRY || 'US' } : {};
}
