import type { AskedRequest, Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import { writeHead } from '../../../http/write-head.ts';
import type { RedirectDestination } from './redirect-destination.ts';
import type { RuleRequest } from './rule-request.ts';

export interface RedirectParts {
  /** The file that holds the rule, relative to the site. */
  readonly file: string;
  readonly status: number;
  readonly request: RuleRequest;
  readonly destination: RedirectDestination;
}

/**
 * Responds with a redirect. Passes a request that the rule does not match, and one whose redirect
 * would lead to the same URL, with or without a slash at the end of its path.
 */
export class RedirectTarget implements Target {
  readonly name: string;
  readonly isOwn = true;
  readonly #parts: RedirectParts;

  constructor(parts: RedirectParts) {
    this.name = parts.file;
    this.#parts = parts;
  }

  async answer(exchange: Exchange, params: Params): Promise<Outcome> {
    const { request, destination, status } = this.#parts;
    const found = request.match(exchange);
    if (!found) return 'passed';
    const location = destination.toLocation(params, found);
    if (isSame(location, exchange.target)) return 'passed';
    const fields = ['Location', location, 'Content-Length', '0'];
    // What it depends on is not in the request line, so no cache may keep it.
    if (request.hasConditions) fields.push('Cache-Control', 'private, no-store');
    writeHead(exchange, status, fields);
    exchange.response.end();
    return 'answered';
  }

  describe(asked: AskedRequest, params: Params): Effect | undefined {
    const { request, destination, status } = this.#parts;
    const found = request.matchHead(asked);
    const location = found && destination.toLocation(params, found);
    if (location === undefined || isSame(location, asked.target)) return undefined;
    return toRuleEffect(`redirects to ${location} with ${status}`, found);
  }
}

/** A file and a page may redirect between both forms of a path, so a rule must not. */
function isSame(location: string, target: string): boolean {
  return withoutSlash(location) === withoutSlash(target);
}

function withoutSlash(target: string): string {
  return target.replace(/\/(?=\?|$)/, '');
}

/** `text`: what the rule does with its requests. */
export function toRuleEffect(text: string, { isSure }: { readonly isSure: boolean } = { isSure: false }): Effect {
  if (isSure) return { text, outcome: 'answers' };
  return { text: `${text}, if the conditions of its rule hold`, outcome: 'may-answer' };
}
