import type { Socket } from 'node:net';
import type { Exchange } from '../contract/exchange.ts';
import { findHeader } from '../contract/header-list.ts';
import type { IncomingRequest } from '../contract/http-message.ts';
import type { SiteRequest } from '../contract/site-requests.ts';
import { NO_BODY } from '../wire/client-body.ts';
import { HOP_BY_HOP, withoutNames } from './headers.ts';

/** Describe the body or the wished form of the response to the client's own request. */
const OF_OUTER: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...['content-length', 'content-type', 'content-encoding', 'expect', 'range', 'if-range', 'if-match', 'if-none-match'],
  ...['if-modified-since', 'if-unmodified-since', 'accept', 'accept-encoding'],
]);

/** A request of a target to its own site, with the headers of the client that identify it. */
export class InnerRequest implements IncomingRequest {
  readonly method: string;
  readonly target: string;
  readonly minor = 1;
  readonly host: string | undefined;
  readonly hasUnderscoreName: boolean;
  readonly connection = undefined;
  readonly upgrade = undefined;
  readonly body = NO_BODY;
  readonly socket: Socket;
  headers: readonly string[];

  constructor({ request, socket }: Exchange, { method, target }: Pick<SiteRequest, 'method' | 'target'>) {
    this.method = method;
    this.target = target;
    this.host = request.host;
    this.hasUnderscoreName = request.hasUnderscoreName;
    this.socket = socket;
    this.headers = [...withoutNames(request.headers, OF_OUTER), 'Accept', '*/*', 'Accept-Encoding', 'identity'];
  }

  get(name: string): string | undefined {
    return findHeader(this.headers, name);
  }

  replaceHeaders(headers: readonly string[]): void {
    this.headers = headers;
  }
}
