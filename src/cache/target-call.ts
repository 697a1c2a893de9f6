import type { AnswerListener } from '../contract/answer-listener.ts';
import { type CallEnder, Exchange } from '../contract/exchange.ts';
import { Fault, toFault } from '../contract/fault.ts';
import type { IncomingRequest } from '../contract/http-message.ts';
import type { Answer, Outcome, Params, Target } from '../contract/target.ts';
import { CapturedResponse, type CaptureOwner } from '../http/captured-response.ts';
import { noteAnswer } from '../http/note-answer.ts';

/** Runs code of the site for an exchange (src/process/site-calls.ts). */
export type RunFor = (exchange: Exchange, work: () => Answer) => Answer;

export interface TargetCallParts {
  readonly outer: Exchange;
  readonly target: Target;
  readonly params: Params;
  readonly request: IncomingRequest;
  readonly run: RunFor;
}

/**
 * A call of a target whose response is kept here until it is decided what becomes of it. It has an exchange of its own, so that it can go on when the client that caused
 * it has left.
 */
export class TargetCall implements CaptureOwner, CallEnder {
  readonly inner: Exchange;
  readonly captured = new CapturedResponse(this);
  /** Resolves when the head of the response is there, or the target has passed. Rejects with the Fault of the target. */
  readonly head: Promise<Outcome>;
  readonly #outer: Exchange;
  #resolve!: (outcome: Outcome) => void;
  #reject!: (fault: Fault) => void;

  constructor({ outer, target, params, request, run }: TargetCallParts) {
    this.head = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#outer = outer;
    const inner = createInner(outer, request, this.captured);
    this.inner = inner;
    inner.callEnder = this;
    this.captured.listen(inner);
    try {
      const answer = run(inner, () => target.answer(inner, params));
      if (answer instanceof Promise) answer.then(this.#settle, (error) => this.failCall(inner, error));
      else this.#settle(answer);
    } catch (error) {
      this.failCall(inner, error);
    }
  }

  /** Why the response is not complete. */
  get fault(): Fault {
    return this.inner.fault ?? new Fault('client_left');
  }

  /** Copies facts about what answered to the exchange of the client, for the access line and for faults. */
  noteAnswer(): void {
    const { inner } = this;
    const outer = this.#outer;
    outer.platformId = inner.platformId;
    outer.calledAtMs = inner.calledAtMs;
    noteAnswer(outer, inner, this.captured.headers);
  }

  /** The response is not needed: the target can stop. */
  abort(): void {
    this.captured.abort();
  }

  clientEnded(): void {
    if (this.inner.endsWithClient) this.#outer.response.abort();
    else this.captured.clientEnded();
  }

  /** An interim response is not part of what is stored, and its client can use it at once. */
  interim(status: number, headers: readonly string[]): void {
    this.#outer.response.inform(status, headers);
  }

  headCaptured(): void {
    // A filter notes there what answered it. The key of an entry has the name of the target, so that no other one uses it.
    this.inner.answeredBy = this.#outer.answeredBy;
    this.#resolve('answered');
  }

  cut(): void {
    if (this.captured.closes) this.#outer.response.closeBehind();
    this.#reject(this.fault);
  }

  failCall(inner: Exchange, error: unknown): void {
    // After the response, or after nothing needs it any more.
    if (inner.left || this.captured.isEnded) return;
    inner.fault = toFault(error);
    inner.runs?.failed(inner.route, inner.fault);
    this.captured.abort();
  }

  endCall(inner: Exchange, cause: Error): boolean {
    if (inner.isCallEnded) return true;
    if (inner.left || this.captured.isEnded) return false;
    // At once: after this call the guard marks the error as reported, and the handler logs no such error.
    const isReported = this.#outer.end(cause);
    this.failCall(inner, new Fault('function_error', { cause }));
    inner.isCallEnded = true;
    return isReported;
  }

  readonly #settle = (outcome: Outcome): void => {
    if (outcome === 'passed') this.#resolve(outcome);
  };
}

function createInner(outer: Exchange, request: IncomingRequest, response: CapturedResponse): Exchange {
  const { client, requestId, pendingWork, startedAtMs, target, route, step, answeredBy, bodyLimitBytes, locals } =
    outer;
  const { rest, dueLimits } = outer;
  const inner = new Exchange({ request, response, client, requestId, pendingWork, startedAtMs, onClosed() {} });
  inner.target = target;
  inner.route = route;
  inner.step = step;
  inner.answeredBy = answeredBy;
  inner.isMeasured = outer.isMeasured;
  inner.passes = outer.passes;
  inner.runs = outer.runs;
  inner.bodyLimitBytes = bodyLimitBytes;
  inner.locals = locals;
  // A filter runs it, and with it routes that have limits.
  inner.rest = rest;
  inner.dueLimits = dueLimits;
  return inner;
}

/** The client that waits for a call: when it leaves, `left` decides whether the call goes on. */
export class Asker implements AnswerListener {
  readonly #call: TargetCall;
  readonly #left: () => void;

  constructor(call: TargetCall, left: () => void) {
    this.#call = call;
    this.#left = left;
  }

  clientLeft(): void {
    this.#left();
  }

  drained(): void {
    this.#call.captured.drained();
  }

  clientEnded(): void {
    this.#call.clientEnded();
  }
}
