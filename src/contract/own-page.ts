import type { Exchange } from './exchange.ts';
import type { IncomingRequest } from './http-message.ts';
import type { Answer } from './target.ts';

/** `Exchange.step` of what nexthop itself answers: its pages, and routes of a platform without code of the site. */
export const OWN_PAGE = -1;

/** A page of nexthop itself, before all routes of the site. */
export interface OwnPage {
  /** False: the request goes on like any other one. */
  isAsked(exchange: Exchange): boolean;
  answer(exchange: Exchange): Answer;
}

export const PURGE_PATH = '/.well-known/nexthop/purge';

/** What decides which page of nexthop a request is for. */
export interface PageRequest {
  readonly target: string;
  readonly request: Pick<IncomingRequest, 'method'>;
}

/** `path`: READY_PATH; '' for none. Any client gets it without a query. */
export function isReadyPage(path: string, { target, request }: PageRequest): boolean {
  return isAt(path, target) && isRead(request) && (target === path || target === `${path}?verbose`);
}

/** `path`: METRICS_PATH; '' for none. Only clients of METRICS_ALLOW get it. */
export function isMetricsPage(path: string, { target, request }: PageRequest): boolean {
  return isAt(path, target) && isRead(request) && (target === path || target.startsWith(`${path}?`));
}

/** Most requests are not, and cost only this. */
function isAt(path: string, target: string): boolean {
  return path !== '' && target.startsWith(path);
}

function isRead({ method }: PageRequest['request']): boolean {
  return method === 'GET' || method === 'HEAD';
}

export interface PageSettings {
  readonly READY_PATH: string;
  readonly METRICS_PATH: string;
  readonly PURGE_TOKEN: string;
}

/** What nexthop itself does with a request, in the words of a line; undefined: the site gets it. */
export function describeOwnPage(settings: PageSettings, asked: PageRequest): string | undefined {
  if (isReadyPage(settings.READY_PATH, asked)) return 'answers: whether it is ready (READY_PATH)';
  if (isMetricsPage(settings.METRICS_PATH, asked)) return 'answers: metrics, for the clients of METRICS_ALLOW only';
  const isPurge = settings.PURGE_TOKEN !== '' && asked.target === PURGE_PATH;
  return isPurge ? 'answers: purges cached responses, for the token of PURGE_TOKEN' : undefined;
}
