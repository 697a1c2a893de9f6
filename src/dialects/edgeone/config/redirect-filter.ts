import type { AskedRequest, Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { writeHead } from '../../../http/write-head.ts';
import type { EdgeOneJson } from './check-edgeone-json.ts';
import type { RedirectRule } from './check-rule.ts';
import { RuleDestination } from './rule-destination.ts';
import { RulePath, toRulePath } from './rule-path.ts';

/**
 * The filter of `redirects` and `trailingSlash` in `edgeone.json`; undefined if it has neither.
 * Passes a request that no redirect matches.
 */
export function toRedirectFilter(json: EdgeOneJson): Target | undefined {
  return json.redirects.length > 0 || json.trailingSlash !== undefined ? new RedirectFilter(json) : undefined;
}

class RedirectFilter implements Target {
  readonly name = 'edgeone.json';
  readonly isOwn = true;
  readonly #trailingSlash: boolean | undefined;
  readonly #redirects: readonly Redirect[];

  constructor({ redirects, trailingSlash }: EdgeOneJson) {
    this.#trailingSlash = trailingSlash;
    this.#redirects = redirects.map((rule) =>
      rule.source.startsWith('/') ? new PathRedirect(rule) : new HostRedirect(rule),
    );
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    const path = toRulePath(exchange.target);
    if (path === undefined) return 'passed';
    // Rules before the slash: otherwise the client would follow two redirects instead of one.
    for (const redirect of this.#redirects) {
      const location = redirect.locationOf(exchange, path);
      if (location !== undefined && location !== exchange.target) return sendRedirect(exchange, redirect, location);
    }
    const location = this.#withSlash(exchange.target);
    return location === undefined ? 'passed' : sendRedirect(exchange, SLASH_REDIRECT, location);
  }

  describe(asked: AskedRequest): Effect | undefined {
    const path = toRulePath(asked.target);
    if (path === undefined) return undefined;
    for (const redirect of this.#redirects) {
      const effect = redirect.describe(asked, path);
      if (effect) return effect;
    }
    const location = this.#withSlash(asked.target);
    return location === undefined ? undefined : toEffect(SLASH_REDIRECT, location);
  }

  #withSlash(target: string): string | undefined {
    return this.#trailingSlash === undefined ? undefined : withSlash(target, this.#trailingSlash);
  }
}

interface RedirectLabel {
  readonly status: number;
  /** The route in the access log. */
  readonly source: string;
}

const SLASH_REDIRECT: RedirectLabel = { status: 308, source: 'trailingSlash' };

interface Redirect extends RedirectLabel {
  /** Undefined if the request does not match. */
  locationOf(exchange: Exchange, path: string): string | undefined;
  /** Undefined if the request does not match, or would be sent to where it is. */
  describe(asked: AskedRequest, path: string): Effect | undefined;
}

class PathRedirect implements Redirect {
  readonly status: number;
  readonly source: string;
  readonly #path: RulePath;
  readonly #destination: RuleDestination;

  constructor({ source, destination, statusCode }: RedirectRule) {
    this.status = statusCode;
    this.source = source;
    this.#path = new RulePath(source);
    this.#destination = new RuleDestination(destination);
  }

  locationOf({ target }: Pick<Exchange, 'target'>, path: string): string | undefined {
    const captures = this.#path.match(path);
    return captures && this.#destination.fill(captures, target);
  }

  describe(asked: AskedRequest, path: string): Effect | undefined {
    const location = this.locationOf(asked, path);
    return location === undefined || location === asked.target ? undefined : toEffect(this, location);
  }
}

const WWW = 'www.';

/** `$host` → `$wwwhost` adds `www.` to the host, `$wwwhost` → `$host` removes it. */
class HostRedirect implements Redirect {
  readonly status: number;
  readonly source: string;
  readonly #adds: boolean;

  constructor({ source, destination, statusCode }: RedirectRule) {
    this.status = statusCode;
    this.source = source;
    this.#adds = destination === '$wwwhost';
  }

  locationOf({ client, request: { host = '' }, target }: Exchange): string | undefined {
    const other = this.#otherOf(host);
    return other === undefined ? undefined : `${client.proto}://${other}${target}`;
  }

  describe({ request: { host }, target }: AskedRequest): Effect | undefined {
    if (host === undefined) {
      const where = this.#adds ? 'with www., if the host is without' : 'without www., if the host is with it';
      return { text: `redirects to the host ${where}`, outcome: 'may-answer' };
    }
    const other = this.#otherOf(host);
    return other === undefined ? undefined : toEffect(this, `//${other}${target}`);
  }

  /** Undefined: the host has the right form. */
  #otherOf(host: string): string | undefined {
    const hasWww = host.toLowerCase().startsWith(WWW);
    if (hasWww === this.#adds || !isDomain(host)) return undefined;
    return hasWww ? host.slice(WWW.length) : WWW + host;
  }
}

function toEffect({ status }: RedirectLabel, location: string): Effect {
  return { text: `redirects to ${location} with ${status}`, outcome: 'answers' };
}

/** False for an IP address and for a name without a dot: neither has a `www.` form. */
function isDomain(host: string): boolean {
  const name = host.replace(/:\d*$/, '');
  return name.includes('.') && !/^(?:[\d.]+|\[.*)$/.test(name);
}

/**
 * The target with a trailing slash added or removed; undefined if it has that form already. A path
 * whose last segment has a dot names a file and gets no slash.
 */
function withSlash(target: string, slash: boolean): string | undefined {
  const query = target.indexOf('?');
  const end = query < 0 ? target.length : query;
  if (end === 1 || target.endsWith('/', end) === slash) return undefined;
  if (!slash) return target.slice(0, end - 1) + target.slice(end);
  const last = target.slice(target.lastIndexOf('/', end - 1), end);
  return last.includes('.') ? undefined : `${target.slice(0, end)}/${target.slice(end)}`;
}

function sendRedirect(exchange: Exchange, { status, source }: RedirectLabel, location: string): Outcome {
  exchange.route = source;
  writeHead(exchange, status, status === 304 ? ['Location', location] : ['Location', location, 'Content-Length', '0']);
  exchange.response.end();
  return 'answered';
}
