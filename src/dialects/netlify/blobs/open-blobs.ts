import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Problem } from '../../../contract/problem.ts';
import type { Project } from '../../../contract/project.ts';
import type { DeployFile } from '../find/find-deploy-files.ts';
import { type DeployBlobs, findSite } from './fetch-guard.ts';
import { NetlifyBlobs } from './netlify-blobs.ts';
import { mayUseBlobs, PACKAGE } from './uses-blobs.ts';

/** The length of ids of deploys on the platform. */
const ID_LENGTH = 24;

/** The region of the platform's own sites, where the setting REGION is empty. */
const USUAL_REGION = 'us-east-2';

/** A site without SITE_ID. */
const USUAL_SITE = 'site';

export interface OpenedBlobs {
  readonly blobs: DeployBlobs;
  readonly problems: readonly Problem[];
}

/**
 * Gives the code of the site its blobs; undefined if there is no storage. `code`: all code of its
 * functions, packages excepted. Rejects with an UnfitBlobStorage if the code uses blobs and the settings name no storage
 * that fits.
 */
export async function openBlobs(
  { blobs: storage, env, region, log, capturesBlobs = false }: Project,
  code: string,
  files: readonly DeployFile[],
): Promise<OpenedBlobs | undefined> {
  if (!storage) return undefined;
  if (mayUseBlobs(code)) await storage.check();
  const parts = {
    storage,
    site: env.SITE_ID || USUAL_SITE,
    // It is a part of URLs.
    region: (region || USUAL_REGION).replace(/[^\w-]/g, '-'),
    captures: capturesBlobs,
    log,
  };
  // A site that is read again keeps its token.
  const blobs = findSite(storage) ?? new NetlifyBlobs(parts);
  const deploy = blobs.use(await toDeployId(code, files), files);
  return { blobs: deploy, problems: capturesBlobs ? [] : findTokens(code) };
}

/** The same code and files have the same deploy, in every process and after a restart. */
async function toDeployId(code: string, files: readonly DeployFile[]): Promise<string> {
  const hash = createHash('sha256').update(code);
  for (const { key, path, metadata } of files) {
    hash.update(`\0${key}\0${metadata}\0`);
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  }
  return hash.digest('hex').slice(0, ID_LENGTH);
}

function findTokens(code: string): readonly Problem[] {
  // A bundled copy of the package has both words.
  if (code.includes('MissingBlobsEnvironmentError')) return [];
  if (!/\bsiteID\b/.test(code) || !/\btoken\b/.test(code)) return [];
  const message =
    'a store that is opened with siteID and token is the one at Netlify; BLOBS_CAPTURE=1 uses the blobs of this site instead';
  return [{ severity: 'warning', file: PACKAGE, message }];
}
