import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reading } from '../../../contract/dialect.ts';
import type { JobIntake } from '../../../contract/job-rule.ts';
import type { Project } from '../../../contract/project.ts';
import { NO_FILES } from '../../../contract/site-files.ts';
import { type SiteInfo, toSiteInfo } from '../call/platform.ts';
import type { NetlifyToml } from '../config/netlify-toml.ts';
import { TOML_FILE } from '../config/toml-problems.ts';
import { DEPLOY_SUCCEEDED } from '../find/event-names.ts';
import { DEFAULT_FOLDER } from '../find/find-functions.ts';
import { type Subscription, toEventPayload, toEventSite } from './event-rule.ts';

interface DeployEventParts {
  readonly project: Project;
  readonly site: SiteInfo;
  /** Files and folders of the site that belong to its content besides its pages, relative to it. */
  readonly sources: readonly string[];
}

/**
 * Stores a `deploy-succeeded` event each time when the site comes into use with new content. Empty
 * if no function handles it, and in development, where each save is new content.
 */
export function toAnnouncement(
  project: Project,
  { functionsFolder = DEFAULT_FOLDER, publish = '.' }: Pick<NetlifyToml, 'functionsFolder' | 'publish'>,
  all: readonly Subscription[],
): Pick<Reading, 'announce'> {
  const { jobs, dev } = project;
  const subscriptions = all.filter(({ event }) => event === DEPLOY_SUCCEEDED);
  if (!jobs || dev || subscriptions.length === 0) return {};
  const rules = ['_redirects', '_headers'].map((name) => join(publish, name));
  const site = toSiteInfo(project.env);
  const parts = { project, site, sources: [functionsFolder, TOML_FILE, 'package.json', ...rules] };
  return { announce: () => announce(parts, jobs, subscriptions) };
}

/** Unless this or another process has done so for the same content. */
async function announce(
  parts: DeployEventParts,
  jobs: JobIntake,
  subscriptions: readonly Subscription[],
): Promise<void> {
  try {
    const id = await findDeployId(parts);
    const payload = toEventPayload({ payload: toDeploy(id, parts), site: toEventSite(parts.site) });
    for (const { rule } of subscriptions) await jobs.pushOnce(rule, id, payload);
  } catch (error) {
    const message = 'the event deploy-succeeded could not be stored; the next start or reload tries again';
    parts.project.log.error(message, { error });
  }
}

/** The variable of the platform names the deploy; without it the content does. */
async function findDeployId({ project, sources }: DeployEventParts): Promise<string> {
  const { root, env, files = NO_FILES } = project;
  const { DEPLOY_ID } = env;
  if (DEPLOY_ID && /^\S+$/.test(DEPLOY_ID)) return DEPLOY_ID;
  const found = await Promise.all(sources.map((path) => listFiles(root, path)));
  const hash = createHash('sha256');
  const paths = new Map([...files.pages.map(({ file, realPath }) => [file, realPath] as const), ...found.flat()]);
  for (const [name, path] of [...paths].sort(([left], [right]) => (left < right ? -1 : 1))) {
    // A file that is removed meanwhile is no part of the content.
    const content = await readFile(path).catch(() => Buffer.alloc(0));
    hash.update(`${name}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, ID_LENGTH);
}

/** Of the platform's ids of deploys. */
const ID_LENGTH = 24;

async function listFiles(root: string, path: string): Promise<readonly (readonly [name: string, path: string])[]> {
  const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (!entries) return [[path, join(root, path)]];
  return entries
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((each) => [each.slice(root.length + 1), each] as const);
}

/** A deploy of the platform's API, as far as it is known here. */
function toDeploy(id: string, { project: { env }, site }: DeployEventParts): object {
  const { id: siteId = '', name = '', url = '' } = site;
  const now = new Date().toISOString();
  const deployUrl = env.DEPLOY_URL || url;
  return {
    id,
    site_id: siteId,
    build_id: env.BUILD_ID || null,
    state: 'ready',
    name,
    url,
    ssl_url: url,
    admin_url: '',
    deploy_url: deployUrl,
    deploy_ssl_url: deployUrl,
    created_at: now,
    updated_at: now,
    published_at: now,
    error_message: null,
    branch: env.BRANCH || null,
    commit_ref: env.COMMIT_REF || null,
    commit_url: null,
    commit_message: null,
    committer: null,
    title: null,
    context: env.CONTEXT || 'production',
    deploy_time: null,
    manual_deploy: true,
    framework: null,
    locked: null,
  };
}
