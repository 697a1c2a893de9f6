import { Fault } from '../../../contract/fault.ts';
import type { JobRule } from '../../../contract/job-rule.ts';
import { RETRY_AFTER_MS, type RuleParts, toRuleName } from '../background/background-rule.ts';
import { JobInvocation, runJob } from '../background/job-invocation.ts';
import { toPlatformRequest } from '../background/stored-request.ts';
import type { SiteInfo } from '../call/platform.ts';
import type { PlatformEvent } from '../find/event-names.ts';

/** A function that handles an event: the event becomes a job of this rule. */
export interface Subscription {
  readonly event: PlatformEvent;
  readonly rule: string;
  /** The file of the function, relative to the site. */
  readonly file: string;
}

/** The body of the request for an event, as on the platform. */
export interface EventBody {
  readonly payload: object;
  readonly site: EventSite;
}

export interface EventSite {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly admin_url: string;
}

export function toEventSite({ id = '', name = '', url = '' }: SiteInfo, ownUrl = ''): EventSite {
  return { id, name, url: url || ownUrl, admin_url: '' };
}

export interface EventRuleParts extends RuleParts {
  readonly event: PlatformEvent;
  /** The function handles the event with a method of its default export, and has a URL besides. */
  readonly isMethod: boolean;
}

/**
 * The rule that calls a function for an event. An attempt fails if the function throws or rejects;
 * it is retried like that of a background function.
 */
export function toEventRule({ declaration, run, timeoutMs, platform, event, isMethod }: EventRuleParts): JobRule {
  const { name, file, config } = declaration;
  const ownTimeoutMs = config.timeoutMs ?? timeoutMs;
  return {
    name: isMethod ? `${toRuleName(name)}/${event.method}` : toRuleName(name),
    file,
    timeoutMs: ownTimeoutMs,
    retryAfterMs: RETRY_AFTER_MS,
    async run(attempt) {
      const stored = toPlatformRequest({
        functionName: name,
        siteUrl: platform.site.url,
        requestId: attempt.id,
        headers: ['user-agent', 'Netlify', 'x-netlify-event', event.slug],
        body: toBody(attempt.payload),
      });
      await runJob(run, new JobInvocation({ stored, attempt, timeoutMs: ownTimeoutMs, file, log: platform.log }));
    },
  };
}

/** The event is the first line of the payload; what follows belongs to the sender of the event. */
function toBody(payload: Uint8Array): Buffer {
  const [body] = splitPayload(payload);
  try {
    JSON.parse(body.toString());
    return body;
  } catch (cause) {
    throw new Fault('internal', { message: 'the stored event is no JSON', cause });
  }
}

/** The payload of the job for an event. `rest`: for the sender, one line of JSON. */
export function toEventPayload(body: EventBody, rest?: object): Buffer {
  const lines = [JSON.stringify(body), ...(rest ? [JSON.stringify(rest)] : [])];
  return Buffer.from(lines.join('\n'));
}

/** The event and the rest of a payload. JSON escapes line feeds, so the first one ends the event. */
export function splitPayload(payload: Uint8Array): readonly [event: Buffer, rest: Buffer] {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const end = bytes.indexOf('\n');
  return end < 0 ? [bytes, bytes.subarray(bytes.length)] : [bytes.subarray(0, end), bytes.subarray(end + 1)];
}
