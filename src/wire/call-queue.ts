import type { OriginCall } from './origin-call.ts';

/** Calls that wait for a connection, first in, first out. Linked through its members: a call that gives up leaves at once. */
export class CallQueue {
  first: OriginCall | undefined;
  #last: OriginCall | undefined;
  size = 0;

  push(call: OriginCall): void {
    call.previousCall = this.#last;
    if (this.#last) this.#last.nextCall = call;
    else this.first = call;
    this.#last = call;
    this.size++;
  }

  /** Idempotent. */
  remove(call: OriginCall): boolean {
    const { previousCall, nextCall } = call;
    if (!previousCall && this.first !== call) return false;
    if (previousCall) previousCall.nextCall = nextCall;
    else this.first = nextCall;
    if (nextCall) nextCall.previousCall = previousCall;
    else this.#last = previousCall;
    call.nextCall = undefined;
    call.previousCall = undefined;
    this.size--;
    return true;
  }
}
