import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { OWN_PAGE, type OwnPage, PURGE_PATH } from '../contract/own-page.ts';
import type { Purging } from '../contract/purging.ts';
import type { Outcome } from '../contract/target.ts';
import { hasBody } from './headers.ts';
import { hasBearer, readPurge } from './purge-request.ts';
import { toWebBody } from './web-request-body.ts';
import { writeHead } from './write-head.ts';

/** More than the tags of one response: 500 with 1,024 characters each. */
const BODY_BYTES = 1024 * 1024;

/** Purges cached responses for requests with a token, e.g. from a CMS. */
export class PurgeEndpoint implements OwnPage {
  readonly #token: string;
  readonly #purging: Pick<Purging, 'purge'>;

  /** `token`: not empty. */
  constructor(token: string, purging: Pick<Purging, 'purge'>) {
    this.#token = token;
    this.#purging = purging;
  }

  isAsked({ target }: Exchange): boolean {
    return target === PURGE_PATH;
  }

  /** Rejects with a Fault: `login_required`, `method_refused`, `bad_body`, `body_too_large` or `store_unavailable`. */
  async answer(exchange: Exchange): Promise<Outcome> {
    const { request } = exchange;
    exchange.answeredBy = 'purge';
    exchange.step = OWN_PAGE;
    if (request.method !== 'POST') throw new Fault('method_refused', { headers: ['Allow', 'POST'] });
    if (!hasBearer(request.get('authorization'), [this.#token])) {
      const message = 'a purge needs the header "Authorization: Bearer" with the value of PURGE_TOKEN';
      throw new Fault('login_required', { message, headers: ['WWW-Authenticate', 'Bearer'] });
    }
    exchange.limitBody(BODY_BYTES);
    await this.#purging.purge(readPurge(await readText(exchange)));
    writeHead(exchange, 202, ['Content-Length', '0', 'Cache-Control', 'no-store']);
    exchange.response.end();
    return 'answered';
  }
}

async function readText(exchange: Exchange): Promise<string> {
  if (!hasBody(exchange.request)) return '';
  const chunks: Uint8Array[] = [];
  for await (const chunk of toWebBody(exchange)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
