import type { Log } from '../../../contract/log.ts';
import type { Project } from '../../../contract/project.ts';
import type { Purging } from '../../../contract/purging.ts';
import { AllCallLimits } from './call-limits.ts';
import { RequestUlids } from './request-ulids.ts';

export interface ServerInfo {
  region?: string;
}

export interface SiteInfo {
  id?: string;
  name?: string;
  url?: string;
}

/** The values that all functions of a site share. */
export interface Platform {
  readonly log: Log;
  readonly isDev: boolean;
  readonly server: Readonly<ServerInfo>;
  readonly site: Readonly<SiteInfo>;
  /** The country of every client in development. */
  readonly mockCountry: string | undefined;
  readonly requestIds: RequestUlids;
  readonly limits: AllCallLimits;
  /** Undefined when no requests are answered. */
  readonly purging: Purging | undefined;
  /** Undefined if the site uses no blobs. */
  readonly blobs?: PlatformBlobs;
}

/** How Lambda-compatible functions find the blobs of the site. */
export interface PlatformBlobs {
  readonly site: string;
  readonly deployId: string;
  /** `event.blobs` */
  readonly eventBlobs: string;
}

/**
 * Called once for each reading of a site. The platform passes the region in AWS_REGION; REGION takes
 * precedence.
 */
export function toPlatform(
  { log, dev = false, region, env, mockCountry, functionLimits, purging }: Project,
  blobs?: PlatformBlobs,
): Platform {
  const serverRegion = region || env.AWS_REGION || (dev ? 'dev' : undefined);
  return {
    log,
    isDev: dev,
    server: serverRegion === undefined ? {} : { region: serverRegion },
    site: toSiteInfo(env),
    mockCountry,
    purging,
    requestIds: new RequestUlids(),
    limits: new AllCallLimits(functionLimits, log),
    ...(blobs && { blobs }),
  };
}

/** The platform passes these values in the variables SITE_ID, SITE_NAME and URL. */
export function toSiteInfo({ SITE_ID: id, SITE_NAME: name, URL: url }: Project['env']): Readonly<SiteInfo> {
  return { ...(id && { id }), ...(name && { name }), ...(url && { url }) };
}
