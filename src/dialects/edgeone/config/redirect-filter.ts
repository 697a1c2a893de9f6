import type { Exchange } from '../../../contract/exchange.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { writeHead } from '../../../http/write-head.ts';
import type { EdgeOneJson, RedirectRule } from './check-edgeone-json.ts';
import { RuleDestination } from './rule-destination.ts';
import { RulePath, toRulePath } from './rule-path.ts';

/** The redirects of `edgeone.json`, first the one about slashes; undefined if there are none. It passes what none of them is about. */
export function toRedirectFilter(json: EdgeOneJson): Target | undefined {
  return json.redirects.length > 0 || json.trailingSlash !== undefined ? new RedirectFilter(json) : undefined;
}

class RedirectFilter implements Target {
  readonly name = 'edgeone.json';
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
    // Rules come first: what they lead to need not be led over a slash on the way.
    for (const redirect of this.#redirects) {
      const location = redirect.locationOf(exchange, path);
      if (location !== undefined && location !== exchange.target) return lead(exchange, redirect, location);
    }
    const location = this.#trailingSlash === undefined ? undefined : withSlash(exchange.target, this.#trailingSlash);
    return location === undefined ? 'passed' : lead(exchange, TO_ONE_SLASH, location);
  }
}

interface Leading {
  readonly status: number;
  /** As the log tells it. */
  readonly source: string;
}

const TO_ONE_SLASH: Leading = { status: 308, source: 'trailingSlash' };

interface Redirect extends Leading {
  /** Undefined if it is about other requests. */
  locationOf(exchange: Exchange, path: string): string | undefined;
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

  locationOf({ target }: Exchange, path: string): string | undefined {
    const captures = this.#path.match(path);
    return captures && this.#destination.fill(captures, target);
  }
}

const WWW = 'www.';

/** `$host` → `$wwwhost` puts `www.` in front of the host, the other direction takes it off. */
class HostRedirect implements Redirect {
  readonly status: number;
  readonly source: string;
  readonly #adds: boolean;

  constructor({ source, destination, statusCode }: RedirectRule) {
    this.status = statusCode;
    this.source = source;
    this.#adds = destination === '$wwwhost';
  }

  locationOf({ client, request, target }: Exchange): string | undefined {
    const { host = '' } = request.headers;
    const hasIt = host.toLowerCase().startsWith(WWW);
    if (hasIt === this.#adds || !isDomain(host)) return undefined;
    return `${client.proto}://${hasIt ? host.slice(WWW.length) : WWW + host}${target}`;
  }
}

/** An address, or the name of a machine, has no other one in front of which `www.` could stand. */
function isDomain(host: string): boolean {
  const name = host.replace(/:\d*$/, '');
  return name.includes('.') && !/^(?:[\d.]+|\[.*)$/.test(name);
}

/** Undefined for a target that has the slash, or the lack of it, already. The name of a file never gets one. */
function withSlash(target: string, slash: boolean): string | undefined {
  const query = target.indexOf('?');
  const end = query < 0 ? target.length : query;
  if (end === 1 || target.endsWith('/', end) === slash) return undefined;
  if (!slash) return target.slice(0, end - 1) + target.slice(end);
  const last = target.slice(target.lastIndexOf('/', end - 1), end);
  return last.includes('.') ? undefined : `${target.slice(0, end)}/${target.slice(end)}`;
}

function lead(exchange: Exchange, { status, source }: Leading, location: string): Outcome {
  exchange.route = source;
  writeHead(exchange, status, status === 304 ? ['Location', location] : ['Location', location, 'Content-Length', '0']);
  exchange.response.end();
  return 'answered';
}
