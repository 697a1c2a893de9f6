import type { Exchange } from '../../../contract/exchange.ts';
import type { Params } from '../../../contract/target.ts';
import type { FunctionLimits } from '../../../http/function-limits.ts';
import type { Geo } from './geo.ts';
import { geoOf, type Platform, type ServerInfo, serverOf, uuidOf } from './platform.ts';

export interface AppCall {
  readonly exchange: Exchange;
  /** Path and query for the app, without the path of its folder. */
  readonly url: string;
  readonly params: Params;
  readonly platform: Platform;
  readonly limits: FunctionLimits;
}

/** An application of a web framework, with its own routes and error responses. */
export interface App {
  /**
   * Undefined if the response is written. Else resolves when it is, or the client has left. Throws or rejects with an error for which
   * the app wrote no response.
   */
  serve(call: AppCall): Promise<void> | undefined;
}

/** `request.context` of an app: the context of a handler without `request`. */
export interface AppContext {
  readonly env: Record<string, string>;
  readonly params: Params;
  readonly uuid: string;
  readonly server: ServerInfo;
  readonly clientIp: string;
  readonly geo: Geo;
}

/** Creates the context of one call. */
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
