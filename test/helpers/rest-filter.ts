import type { Exchange } from '../../src/contract/exchange.ts';
import type { Route } from '../../src/contract/route.ts';
import type { Outcome } from '../../src/contract/target.ts';
import type { RestResponse } from '../../src/http/rest-response.ts';
import { runRest, writeFilterResponse } from '../../src/http/rest-run.ts';
import type { WebResponse } from '../../src/http/web-response-head.ts';
import { route } from './route.ts';

/** A filter that runs the rest of the path and sends what `change` returns. Default: the response as it was captured. */
export function restFilter(
  change: (response: RestResponse, exchange: Exchange) => unknown = (response) => response,
): Route {
  return route('/*path', { step: 1, target: { name: 'filter.js', answer } });

  async function answer(exchange: Exchange): Promise<Outcome> {
    const rest = await runRest(exchange).settled;
    return writeFilterResponse(exchange, (await change(rest, exchange)) as WebResponse, rest); // each test returns a Response
  }
}
