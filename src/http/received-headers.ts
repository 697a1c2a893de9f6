import { findHeader } from '../contract/header-list.ts';
import type { IncomingRequest } from '../contract/http-message.ts';

/**
 * The headers of a request as they are at the call of a function: what runs later may replace those of the request. The list is made at its first use, because most
 * functions look at none or at a few.
 */
export class ReceivedHeaders {
  readonly #request: IncomingRequest;
  /** Undefined while it can still be made of the head as received. */
  #list: readonly string[] | undefined;

  constructor(request: IncomingRequest) {
    this.#request = request;
    if (request.isChanged !== false || !request.toReceivedList) this.#list = request.headers;
  }

  /** Flat. */
  get list(): readonly string[] {
    if (this.#list) return this.#list;
    const request = this.#request;
    this.#list = request.isChanged ? request.toReceivedList?.() : request.headers;
    this.#list ??= request.headers;
    return this.#list;
  }

  /** As `IncomingRequest.get`. */
  get(name: string): string | undefined {
    return this.#list || this.#request.isChanged ? findHeader(this.list, name) : this.#request.get(name);
  }
}
