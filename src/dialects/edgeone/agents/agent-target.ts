import { randomUUID } from 'node:crypto';
import type { AnswerListener } from '../../../contract/answer-listener.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault, type FaultCode } from '../../../contract/fault.ts';
import { type Log, PRINTED_FIELDS, type PrintedFields } from '../../../contract/log.ts';
import type { Answer, Outcome, Params, Target } from '../../../contract/target.ts';
import { overlayAnswer } from '../../../http/overlay-response.ts';
import { patchRequest } from '../../../http/patch-request.ts';
import { isWebResponse, writeWebResponse } from '../../../http/web-response.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import type { Writing } from '../../../http/web-response-stream.ts';
import type { Handler, Handlers } from '../functions/handlers.ts';
import { conversationOf, type Platform } from '../functions/platform.ts';
import { prepareBody } from '../functions/prepared-body.ts';
import { writeResult } from '../functions/write-result.ts';
import { AgentContext } from './agent-context.ts';
import type { AgentGuard } from './agent-guard.ts';
import type { AgentKv } from './agent-kv.ts';
import { AgentRequest } from './agent-request.ts';
import type { AgentRun, AgentRuns } from './agent-runs.ts';
import type { AgentTracer } from './agent-tracer.ts';
import type { Equip } from './tool-module.ts';

/** What all agents of a site share. */
export interface AgentTools {
  readonly platform: Platform;
  readonly runs: AgentRuns;
  readonly tracer: AgentTracer;
  /** Undefined: the site has no tools of its own. */
  readonly equip: Equip | undefined;
  /** Undefined: the agents are public. */
  readonly guard: AgentGuard | undefined;
  readonly bodyLimitBytes: number;
  /** From the call to the end of the response; 0: no limit. */
  readonly timeoutMs: number;
  readonly log: Log;
}

export interface AgentTargetParts {
  /** The file, relative to the site. */
  readonly name: string;
  readonly handlers: Handlers;
  readonly tools: AgentTools;
  readonly kv: AgentKv;
  /** Its code may stop runs of other processes, which have to be known then. */
  readonly mayStop: boolean;
}

/** A file below `agents/`. */
export class AgentTarget implements Target {
  readonly name: string;
  readonly #parts: AgentTargetParts;

  constructor(parts: AgentTargetParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  answer(exchange: Exchange, params: Params): Answer {
    const { handlers } = this.#parts;
    const handler = handlers.byMethod.get(exchange.request.method) ?? handlers.any;
    // An agent opens no WebSocket.
    if (!handler || exchange.upgrade) return 'passed';
    return this.#answer(exchange, params, handler);
  }

  async #answer(exchange: Exchange, params: Params, handler: Handler): Promise<Outcome> {
    const { tools, mayStop } = this.#parts;
    admit(exchange, tools.guard);
    // An agent works long for a client that may have closed, and may never write again.
    exchange.endsWithClient = true;
    if (exchange.socket.readableEnded) exchange.response.abort();
    const run = new Run(exchange, readConversation(exchange));
    exchange.kept.set(PRINTED_FIELDS, run.fields);
    exchange.limitBody(tools.bodyLimitBytes);
    const request = await run.readRequest();
    const others = mayStop ? await tools.runs.findOthers() : [];
    const context = new AgentContext({
      exchange,
      request,
      params,
      platform: tools.platform,
      file: this.name,
      conversation: run.conversation,
      runId: run.id,
      kv: this.#parts.kv,
      tracer: tools.tracer,
      abortActiveRun: (conversation) => tools.runs.stop(conversation, run.id, others),
    });
    const end = run.conversation === '' ? () => undefined : tools.runs.begin(run);
    const limit = tools.timeoutMs > 0 ? setTimeout(() => run.expire(), tools.timeoutMs) : undefined;
    exchange.listen(run);
    try {
      await run.write(await this.#call(exchange, handler, context, run));
    } catch (error) {
      if (error !== STOPPED) throw error;
      await run.writeStopped();
    } finally {
      clearTimeout(limit);
      end();
    }
    return 'answered';
  }

  async #call(exchange: Exchange, handler: Handler, context: AgentContext, run: Run): Promise<unknown> {
    const { log, equip } = this.#parts.tools;
    exchange.noteRun();
    const called = equip
      ? equip(context).then(() => handler(context))
      : new Promise<unknown>((resolve) => resolve(handler(context)));
    // When the run has ended without it, its late failure is only logged.
    called.catch(
      (error: unknown) => run.isOver && log.warn('an agent failed after its run', { target: this.name, error }),
    );
    try {
      return await Promise.race([called, run.ended]);
    } catch (cause) {
      if (cause instanceof Fault || cause === STOPPED) throw cause;
      throw run.toFault('function_error', { status: 500, code: 'AGENT_RUN_ERROR', message: 'the agent failed', cause });
    }
  }
}

/** Throws the answer for a client without a valid token. Its own `makers-user-id` was removed by a filter. */
export function admit(exchange: Exchange, guard: AgentGuard | undefined): void {
  if (!guard) return;
  const user = guard(exchange.request.get('authorization'), Date.now());
  if (user === undefined) {
    const body = toBody({ code: 'AGENT_UNAUTHORIZED', message: 'a valid bearer token is needed' });
    throw new Fault('login_required', { headers: ['WWW-Authenticate', 'Bearer'], page: body });
  }
  const value = /^[\x21-\x7e]+$/.test(user) ? user : encodeURIComponent(user);
  patchRequest(exchange.request, [['makers-user-id', value]]);
}

/** '' without the header. */
export function readConversation(exchange: Exchange): string {
  const id = conversationOf(exchange);
  if (id === '' || /^[\x21-\x7e]{1,256}$/.test(id)) return id;
  const message = 'the conversation id must have 1 to 256 visible characters';
  throw new Fault('bad_request', { message, page: toBody({ code: 'INVALID_CONVERSATION_ID', message }) });
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly conversation_id?: string;
  readonly run_id?: string;
}

function toBody({ code, message, conversation_id = '', run_id = '' }: Failure): NonNullable<Fault['page']> {
  return { contentType: 'application/json', body: JSON.stringify({ code, message, conversation_id, run_id }) };
}

/** Ends a call when its run is stopped before the head of the response. */
const STOPPED = new Error('the run was stopped');

/** One run of an agent, for one request. */
class Run implements AgentRun, AnswerListener {
  readonly id = randomUUID();
  readonly conversation: string;
  /** Rejects when the run has to end before the agent has answered. */
  readonly ended: Promise<never>;
  isOver = false;
  readonly #exchange: Exchange;
  #writing: Writing | undefined;
  #end!: (reason: unknown) => void;

  constructor(exchange: Exchange, conversation: string) {
    this.#exchange = exchange;
    this.conversation = conversation;
    this.ended = new Promise((_, reject) => {
      this.#end = reject;
    });
    this.ended.catch(() => {
      this.isOver = true;
    });
  }

  /** For the lines that the agent prints. */
  get fields(): PrintedFields {
    return { run_id: this.id, ...(this.conversation !== '' && { conversation_id: this.conversation }) };
  }

  /** Throws the Fault of a body that is too large or not valid. */
  async readRequest(): Promise<AgentRequest> {
    const prepared = await prepareBody(this.#exchange);
    try {
      return new AgentRequest(this.#exchange, prepared);
    } catch (cause) {
      if (!(cause instanceof Fault) || cause.code !== 'bad_body') throw cause;
      const { message } = cause;
      throw this.toFault('bad_body', { status: 400, code: 'INVALID_REQUEST_BODY', message, cause });
    }
  }

  clientLeft(): void {
    this.#end(new Fault('client_left'));
  }

  /** Stops the run: its code gets the signal. */
  stop(): void {
    this.#end(STOPPED);
    this.#exchange.abort(STOPPED);
  }

  /** The time is over: the signal fires, and a response in progress is cut. */
  expire(): void {
    const message = 'the agent did not end in time';
    const fault = this.toFault('function_timeout', { status: 408, code: 'AGENT_RUN_TIMEOUT', message });
    this.#end(fault);
    this.#exchange.abort(fault);
    this.#writing?.stop(fault);
  }

  /** Writes what the agent returned. Resolves when the whole response is written. */
  async write(result: unknown): Promise<void> {
    const exchange = this.#exchange;
    overlayAnswer(exchange, { headers: this.#headers });
    if (result === undefined || result === null) await writeWebResponse(exchange, new Response(null, { status: 204 }));
    else if (isWebResponse(result)) await this.#writeResponse(result);
    else await writeResult(exchange, result);
  }

  async #writeResponse(response: WebResponse): Promise<void> {
    const watch = {
      begin: (writing: Writing): void => {
        this.#writing = writing;
      },
      count: () => undefined,
      end: () => undefined,
    };
    await writeWebResponse(this.#exchange, response, { watch });
  }

  toFault(code: FaultCode, details: { status: number; code: string; message: string; cause?: unknown }): Fault {
    const { status, message, cause } = details;
    const page = toBody({ code: details.code, message, conversation_id: this.conversation, run_id: this.id });
    return new Fault(code, { status, message, cause, page, headers: this.#headers.flat() });
  }

  get #headers(): readonly (readonly [string, string])[] {
    const run = ['makers-run-id', this.id] as const;
    return this.conversation === '' ? [run] : [['makers-conversation-id', this.conversation], run];
  }

  /** The answer of a run that was stopped before it answered. */
  async writeStopped(): Promise<void> {
    const body = toBody({
      code: 'AGENT_RUN_CANCELLED',
      message: 'the run was stopped',
      conversation_id: this.conversation,
      run_id: this.id,
    });
    await this.write(new Response(body.body, { status: 499, headers: { 'Content-Type': body.contentType } }));
  }
}
