import { createHmac } from 'node:crypto';
import type { AskedRequest, Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import type { ExternalOrigins } from '../../../contract/external-origins.ts';
import type { Outcome, Params, Target } from '../../../contract/target.ts';
import { overlayAnswer } from '../../../http/overlay-response.ts';
import { type RedirectParts, toRuleEffect } from './redirect-target.ts';

/** The claims of a signed request about the site. */
export interface SignedSite {
  readonly netlify_id: string;
  readonly site_url: string;
  readonly deploy_context: string;
}

export interface ProxyParts extends RedirectParts {
  readonly origins: Pick<ExternalOrigins, 'forward'>;
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: requests are not signed. */
  readonly signature: { readonly secret: string; readonly site: SignedSite } | undefined;
}

/** How long a signature is valid, as on the platform. */
const SIGNED_S = 300;

/** Forwards the request to the server that the rule names. The client sees its own URL. Passes a request that the rule does not match. */
export class ProxyTarget implements Target {
  readonly name: string;
  readonly isOwn = true;
  readonly #parts: ProxyParts;

  constructor(parts: ProxyParts) {
    this.name = parts.destination.origin;
    this.#parts = parts;
  }

  async answer(exchange: Exchange, params: Params): Promise<Outcome> {
    const { request, destination, origins, headers, signature } = this.#parts;
    const found = request.match(exchange);
    if (!found) return 'passed';
    if (request.vary !== '') overlayAnswer(exchange, { headers: [['Vary', request.vary]] });
    const own: (readonly [string, string])[] = Object.entries(headers);
    if (signature) own.push(['x-nf-sign', sign(signature.secret, signature.site)]);
    const { origin } = destination;
    return origins.forward(exchange, { origin, target: destination.toTarget(params, found), headers: own });
  }

  describe(asked: AskedRequest, params: Params): Effect | undefined {
    const { request, destination } = this.#parts;
    const found = request.matchHead(asked);
    return found && toRuleEffect(`forwards to ${destination.origin}${destination.toTarget(params, found)}`, found);
  }
}

/** A JWT (HS256) that proves to the server that the request is from this site. */
function sign(secret: string, site: SignedSite): string {
  const claims = { ...site, exp: Math.floor(Date.now() / 1000) + SIGNED_S, iss: 'netlify' };
  const parts = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const text = parts.join('.');
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
