import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import type { HostServer } from '../contract/host-server.ts';
import type { HostRequest } from './host-request.ts';
import type { HostResponse } from './host-response.ts';

export interface VisitParts {
  readonly exchange: Exchange;
  readonly request: HostRequest;
  readonly response: HostResponse;
  /** True if the host gave a `next`. */
  readonly hasNext: boolean;
}

/** One request from the host. It is answered here or given back to the host unchanged. */
export class Visit implements HostServer {
  readonly hasNext: boolean;
  /** True if no route answered and the request goes back to the host. */
  isOver = false;
  readonly #exchange: Exchange;
  readonly #request: HostRequest;
  readonly #response: HostResponse;

  constructor({ exchange, request, response, hasNext }: VisitParts) {
    this.hasNext = hasNext;
    this.#exchange = exchange;
    this.#request = request;
    this.#response = response;
    exchange.hostServer = this;
    response.ownedBy(exchange);
    request.markVetted();
  }

  takeBack(): void {
    if (!this.hasNext) {
      throw new Fault('not_found', { message: 'no route of the site answers, and the host gave no next' });
    }
    this.#request.giveBack(this.#exchange.target);
    this.#response.giveBack();
    this.isOver = true;
  }
}
