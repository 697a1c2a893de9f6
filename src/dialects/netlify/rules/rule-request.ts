import type { AskedRequest } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import type { FindCountry } from '../call/geo.ts';
import type { RuleConditions } from '../config/redirect-rule.ts';
import type { AccessTokens } from './access-tokens.ts';
import { type QueryMatch, RedirectQuery } from './redirect-query.ts';
import type { RedirectSource } from './redirect-source.ts';

export interface RuleRequestParts {
  readonly origin: RedirectSource['origin'];
  readonly query: Readonly<Record<string, string>>;
  readonly conditions: RuleConditions;
  readonly findCountry: FindCountry;
  readonly tokens: AccessTokens;
}

/** What a rule requires of a request besides its path: host, query and conditions. */
export class RuleRequest {
  /** The rule is for clients with one of its roles: its paths are closed for others. */
  readonly isGuard: boolean;
  readonly hasConditions: boolean;
  /** The request headers that decide, as the value of `Vary`; '' for none. */
  readonly vary: string;
  readonly #parts: RuleRequestParts;
  readonly #query: RedirectQuery;

  constructor(parts: RuleRequestParts) {
    const { country, language, role, cookie } = parts.conditions;
    this.#parts = parts;
    this.#query = new RedirectQuery(parts.query);
    this.isGuard = role !== undefined;
    this.hasConditions = [country, language, role, cookie].some((each) => each !== undefined);
    this.vary = [language && 'Accept-Language', (country ?? language ?? role ?? cookie) && 'Cookie']
      .filter(Boolean)
      .join(', ');
  }

  /** Every request with the path of the rule matches. */
  get isOpen(): boolean {
    return !this.hasConditions && !this.#parts.origin && Object.keys(this.#parts.query).length === 0;
  }

  /** Undefined if the request does not match. */
  match(exchange: Exchange): QueryMatch | undefined {
    return this.hasRole(exchange) ? this.matchButRole(exchange) : undefined;
  }

  /** As `match`, whatever the roles of the client. */
  matchButRole(exchange: Exchange): QueryMatch | undefined {
    if (!this.#isHost(exchange) || !this.#hold(exchange)) return undefined;
    return this.#query.match(exchange.target);
  }

  /** As `match`, without the conditions, which need headers; `isSure`: there are none. */
  matchHead({ request: { host }, target }: AskedRequest): (QueryMatch & { readonly isSure: boolean }) | undefined {
    const { origin } = this.#parts;
    if (origin && host !== undefined && !isHost(host, origin.host)) return undefined;
    const found = this.#query.match(target);
    return found && { ...found, isSure: !origin && !this.hasConditions };
  }

  hasRole(exchange: Exchange): boolean {
    const { conditions, tokens } = this.#parts;
    if (!conditions.role) return true;
    const roles = tokens.rolesOf(cookieValue(exchange, 'nf_jwt'));
    return conditions.role.some((role) => roles.includes(role));
  }

  #isHost({ request, client }: Exchange): boolean {
    const { origin } = this.#parts;
    if (!origin) return true;
    return isHost(request.host ?? '', origin.host) && client.proto === origin.scheme;
  }

  #hold(exchange: Exchange): boolean {
    if (!this.hasConditions) return true;
    const { country, language, cookie } = this.#parts.conditions;
    if (country && !country.some((each) => each.toLowerCase() === this.#countryOf(exchange))) return false;
    if (language && !this.#speaks(language, exchange)) return false;
    return !cookie || cookie.some((name) => cookieValue(exchange, name) !== '');
  }

  #countryOf(exchange: Exchange): string {
    const chosen = this.isGuard ? '' : cookieValue(exchange, 'nf_country');
    return (chosen || this.#parts.findCountry(exchange)).toLowerCase();
  }

  /** Only the first language of the client counts, as on the platform. */
  #speaks(languages: readonly string[], exchange: Exchange): boolean {
    const chosen = this.isGuard ? '' : cookieValue(exchange, 'nf_lang');
    const accepted = exchange.request.get('accept-language') ?? '';
    const first = (chosen || (/^\s*([\w-]+)/.exec(accepted)?.[1] ?? '')).toLowerCase();
    return languages.some((each) => [first, first.split('-', 1)[0]].includes(each.toLowerCase()));
  }
}

/** The value of a cookie of the request, without quotes; '' without that cookie. The first that has a value counts. */
function cookieValue({ request }: Exchange, name: string): string {
  const header = request.get('cookie') ?? '';
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    const value = pair.slice(equals + 1).trim();
    const bare = value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    if (bare !== '') return bare;
  }
  return '';
}

/** Whether a Host header, in any case and with any port, names `host`. A site may have thousands of such rules: most hosts differ in length. */
function isHost(given: string, host: string): boolean {
  if (given.length < host.length) return false;
  if (given.length > host.length && given[host.length] !== ':') return false;
  return given.toLowerCase().replace(/:\d*$/, '') === host;
}
