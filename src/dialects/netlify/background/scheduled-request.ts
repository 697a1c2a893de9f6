import type { StoredRequest } from './stored-request.ts';

export interface ScheduledRequestParts {
  readonly functionName: string;
  /** `URL` of the site; a request without one comes to localhost. */
  readonly siteUrl: string | undefined;
  /** Milliseconds since the epoch; undefined if there is none. */
  readonly nextRunAtMs: number | undefined;
  readonly requestId: string;
}

/** The request with which the platform's clock calls a function (docs.netlify.com/functions/scheduled-functions). */
export function toScheduledRequest(parts: ScheduledRequestParts): StoredRequest {
  const { functionName, siteUrl, nextRunAtMs, requestId } = parts;
  const origin = toOrigin(siteUrl);
  const next_run = nextRunAtMs === undefined ? null : new Date(nextRunAtMs).toISOString();
  const body = Buffer.from(JSON.stringify({ next_run }));
  return {
    method: 'POST',
    url: `${origin}/.netlify/functions/${functionName}`,
    rawFields: [
      ...['host', new URL(origin).host, 'content-type', 'application/json', 'content-length', String(body.length)],
      ...['user-agent', 'Netlify Clockwork', 'x-nf-event', 'schedule'],
    ],
    clientAddress: '',
    trusted: true,
    requestId,
    params: {},
    route: undefined,
    body,
  };
}

function toOrigin(siteUrl: string | undefined): string {
  const url = siteUrl === undefined ? null : URL.parse(siteUrl);
  return url && (url.protocol === 'https:' || url.protocol === 'http:') ? url.origin : 'http://localhost';
}
