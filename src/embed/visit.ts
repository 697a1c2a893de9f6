import type { Exchange, Lender } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { HostHead } from './host-head.ts';
import type { AskedRequest } from './host-request.ts';

export interface VisitParts {
  readonly exchange: Exchange;
  readonly asked: AskedRequest;
  /** Somebody stands behind the middleware. */
  readonly hasNext: boolean;
}

/** One request that comes in from the host, is answered here, or goes back to him as it came. */
export class Visit implements Lender {
  readonly hasNext: boolean;
  /** Nobody here answers. */
  isOver = false;
  /** What came behind a request that asks for an upgrade. */
  head: Buffer = Buffer.alloc(0);
  readonly #asked: AskedRequest;
  readonly #hostHead: HostHead;

  constructor({ exchange, asked, hasNext }: VisitParts) {
    this.#asked = asked;
    this.hasNext = hasNext;
    this.#hostHead = new HostHead(exchange);
    exchange.lender = this;
    asked.vetted();
  }

  takeBack(head?: Buffer): void {
    if (!this.hasNext) throw new Fault('not_found', { message: 'nobody here answers, and nobody stands behind' });
    if (head) this.head = head;
    this.#asked.giveBack();
    this.#hostHead.takeOff();
    this.isOver = true;
  }
}
