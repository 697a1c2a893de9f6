import type { Socket } from 'node:net';
import type { Exchange } from '../contract/exchange.ts';
import { findHeader } from '../contract/header-list.ts';
import type { BodySource, IncomingRequest } from '../contract/http-message.ts';
import type { SiteRequest } from '../contract/site-requests.ts';
import { NO_BODY } from '../wire/client-body.ts';
import { HOP_BY_HOP, withoutNames } from './headers.ts';

/** What differs from the request of the client. */
export interface RequestChanges {
  readonly method?: string | undefined;
  /** In origin-form. */
  readonly target?: string | undefined;
  /** Flat. */
  readonly headers?: readonly string[] | undefined;
  readonly body?: BodySource | undefined;
}

/** The request of an inner exchange: that of the client with changes. The client's own request stays as it is. */
export class InnerRequest implements IncomingRequest {
  readonly method: string;
  readonly target: string;
  readonly minor: 0 | 1;
  readonly host: string | undefined;
  readonly hasUnderscoreName: boolean;
  readonly connection: string | undefined;
  readonly upgrade = undefined;
  readonly body: BodySource;
  readonly socket: Socket;
  /** A target of the site asks its own site. */
  readonly isOfSite: boolean;
  headers: readonly string[];

  constructor(request: IncomingRequest, { method, target, headers, body }: RequestChanges, isOfSite?: boolean) {
    this.method = method ?? request.method;
    this.target = target ?? request.target;
    this.minor = isOfSite ? 1 : request.minor;
    this.host = request.host;
    this.hasUnderscoreName = request.hasUnderscoreName;
    this.connection = isOfSite ? undefined : request.connection;
    this.body = body ?? request.body;
    this.socket = request.socket;
    this.isOfSite = isOfSite ?? isSiteRequest(request);
    this.headers = body ? toFramed(headers ?? request.headers, body) : (headers ?? request.headers);
  }

  get(name: string): string | undefined {
    return findHeader(this.headers, name);
  }

  replaceHeaders(headers: readonly string[]): void {
    this.headers = headers;
  }
}

const FRAMING: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

/** The headers for another body than that of the client: its length is not known, or it has none. */
function toFramed(headers: readonly string[], { announcedBytes }: BodySource): readonly string[] {
  const kept = withoutNames(headers, FRAMING);
  return announcedBytes === 0 ? kept : [...kept, 'Transfer-Encoding', 'chunked'];
}

/** Whether a target of the site asks its own site. */
export function isSiteRequest(request: IncomingRequest): boolean {
  return request instanceof InnerRequest && request.isOfSite;
}

/** Describe the body or the wished form of the response to the client's own request. */
const OF_OUTER: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...['content-length', 'content-type', 'content-encoding', 'expect', 'range', 'if-range', 'if-match', 'if-none-match'],
  ...['if-modified-since', 'if-unmodified-since', 'accept', 'accept-encoding'],
]);

/** A request of a target to its own site, with the headers of the client that identify it. */
export function toSiteRequest({ request }: Exchange, { method, target }: SiteRequest): InnerRequest {
  const headers = [...withoutNames(request.headers, OF_OUTER), 'Accept', '*/*', 'Accept-Encoding', 'identity'];
  return new InnerRequest(request, { method, target, headers, body: NO_BODY }, true);
}
