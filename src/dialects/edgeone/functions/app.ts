import type { Exchange } from '../../../contract/exchange.ts';
import type { Params } from '../../../contract/target.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import type { Geo } from './geo.ts';
import { geoOf, type Platform, type ServerInfo, serverOf, uuidOf } from './platform.ts';

export interface AppCall {
  readonly exchange: Exchange;
  /** Path and query as the app is to see them. */
  readonly url: string;
  readonly params: Params;
  readonly platform: Platform;
  readonly limits: FunctionLimits;
}

/** A whole web application of some framework, which routes and answers by itself. */
export interface App {
  /** Resolves when the answer is written or the client is gone. Throws only what the app does not answer itself. */
  serve(call: AppCall): Promise<void>;
}

/** What an app finds in `request.context`: the context of a handler without the request. */
export interface AppContext {
  readonly env: Record<string, string>;
  readonly params: Params;
  readonly uuid: string;
  readonly server: ServerInfo;
  readonly clientIp: string;
  readonly geo: Geo;
}

/** Makes the context of one call. */
export function toAppContext({ exchange, params, platform }: AppCall): AppContext {
  return {
    env: { ...platform.env },
    params: { ...params },
    uuid: uuidOf(exchange),
    server: serverOf(exchange, platform),
    clientIp: exchange.client.address,
    geo: geoOf(exchange),
  };
}
