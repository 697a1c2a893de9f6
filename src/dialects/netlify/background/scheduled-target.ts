import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import { showSources } from '../../../contract/stack-frame.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { escapeHtml } from '../../../http/escape-html.ts';
import { negotiate } from '../../../http/negotiate.ts';
import { TextResponse } from '../../../http/text-response.ts';
import { writeWebResponse } from '../../../http/web-response.ts';
import { toChunks } from '../../../http/web-response-chunks.ts';
import type { WebResponse } from '../../../http/web-response-head.ts';
import type { Invocation, Run } from '../call/invocation.ts';
import { REQUEST_ID } from '../call/request-ulids.ts';
import { JobInvocation } from './job-invocation.ts';
import type { ScheduledRuleParts } from './schedule-rule.ts';
import { toScheduledRequest } from './schedule-rule.ts';

export interface ScheduledTargetParts extends ScheduledRuleParts {
  /** The time of the next scheduled run, in milliseconds since the epoch; undefined for never. */
  readonly nextRunAtMs: () => number | undefined;
}

/**
 * The URL of a scheduled function in development. A request runs the function as the scheduler
 * would, and the response describes the result.
 */
export class ScheduledTarget implements Target {
  readonly name: string;
  readonly #parts: ScheduledTargetParts;

  constructor(parts: ScheduledTargetParts) {
    this.name = parts.declaration.file;
    this.#parts = parts;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    if (exchange.upgrade) return 'passed';
    const { status, lines } = await this.#run(exchange);
    const format = negotiate(exchange.request.get('accept') ?? '', ['text/plain', 'text/html']);
    const headers = { 'content-type': `${format}; charset=utf-8`, 'cache-control': 'no-store' };
    const text = format === 'text/html' ? toHtml(lines) : `${lines.join('\n\n')}\n`;
    await writeWebResponse(exchange, new TextResponse(text, { status, headers }));
    return 'answered';
  }

  async #run(exchange: Exchange): Promise<{ readonly status: number; readonly lines: readonly string[] }> {
    const { declaration, schedule, run, platform, nextRunAtMs } = this.#parts;
    const { name, file, config } = declaration;
    const { log } = platform;
    const timeoutMs = config.timeoutMs ?? this.#parts.timeoutMs;
    const requestId = platform.requestIds.of(exchange);
    exchange.platformId = { name: REQUEST_ID, value: requestId };
    const stored = toScheduledRequest({
      functionName: name,
      siteUrl: platform.site.url,
      nextRunAtMs: nextRunAtMs(),
      requestId,
    });
    const attempt = { id: requestId, number: 1, signal: exchange.signal };
    const invocation = new JobInvocation({ stored, attempt, timeoutMs, file, log });
    const about = [
      `${name} is a scheduled function (${schedule}). Its URL exists only in development. A request runs the function with the request of the scheduler: ${stored.body}`,
      'In production it has no URL, and its response is discarded.',
    ];
    exchange.noteRun();
    try {
      const described = describeCall(run, invocation);
      return {
        status: 200,
        lines: [...about, ...(await platform.limits.of(timeoutMs).call.inTime(exchange, described))],
      };
    } catch (error) {
      if (error instanceof Fault && error.code === 'function_bad_answer') {
        return {
          status: 200,
          lines: [...about, `The function ran, but its result is no response: it ${error.message}.`],
        };
      }
      log.error('a scheduled function failed', { target: file, request_id: requestId, error });
      return { status: 500, lines: [...about, 'The function failed:', describeError(error)] };
    } finally {
      exchange.pendingWork.add(invocation.settled(), file);
    }
  }
}

async function describeCall(run: Run, invocation: Invocation): Promise<readonly string[]> {
  return describeResponse(await run(invocation));
}

async function describeResponse(response: WebResponse): Promise<readonly string[]> {
  const summary = `The function responded with status ${response.status}.`;
  const start = await readStart(response);
  return start === '' ? [summary] : [summary, start];
}

/** In characters, approximately: enough to recognise the response. */
const LONGEST_START = 10_000;

async function readStart(response: WebResponse): Promise<string> {
  const text = TextResponse.take(response);
  if (text !== undefined || !response.body) return (text ?? '').slice(0, LONGEST_START);
  const chunks = toChunks(response.body);
  const decoder = new TextDecoder();
  let start = '';
  while (start.length < LONGEST_START) {
    const { done, value } = await chunks.next();
    if (done) break;
    start += value instanceof Uint8Array ? decoder.decode(value, { stream: true }) : String(value);
  }
  chunks.cancel(new Error('the rest of the body is not needed'));
  return start.slice(0, LONGEST_START);
}

/** The Fault only says that the function failed. The error that the function threw is its cause. */
function describeError(error: unknown): string {
  if (error instanceof Fault && error.cause !== undefined) return describeError(error.cause);
  showSources(error);
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}

function toHtml(lines: readonly string[]): string {
  const paragraphs = lines.map((line) => `<p style="white-space:pre-wrap">${escapeHtml(line)}</p>\n`);
  return `<!doctype html>\n<meta charset="utf-8">\n<title>Scheduled function</title>\n${paragraphs.join('')}`;
}
