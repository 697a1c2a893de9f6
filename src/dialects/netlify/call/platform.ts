import type { Log } from '../../../contract/log.ts';
import type { Project } from '../../../contract/project.ts';
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

/** What all functions of a site share. */
export interface Platform {
  readonly log: Log;
  readonly isDev: boolean;
  readonly server: Readonly<ServerInfo>;
  readonly site: Readonly<SiteInfo>;
  /** Where every client is said to be. */
  readonly mockCountry: string | undefined;
  readonly requestIds: RequestUlids;
  readonly limits: AllCallLimits;
}

/** Once for each reading of a site. What the platform tells functions by variables stands in AWS_REGION (unless REGION is set), SITE_ID, SITE_NAME and URL. */
export function toPlatform({ log, dev = false, region, env, mockCountry, functionLimits }: Project): Platform {
  const { AWS_REGION, SITE_ID: id, SITE_NAME: name, URL: url } = env;
  const here = region || AWS_REGION || (dev ? 'dev' : undefined);
  return {
    log,
    isDev: dev,
    server: here === undefined ? {} : { region: here },
    site: { ...(id && { id }), ...(name && { name }), ...(url && { url }) },
    mockCountry,
    requestIds: new RequestUlids(),
    limits: new AllCallLimits(functionLimits, log),
  };
}
