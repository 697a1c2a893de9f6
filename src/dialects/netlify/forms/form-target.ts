import { ulid } from 'ulid';
import { toNetwork } from '../../../contract/client.ts';
import type { AskedRequest, Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import { Fault } from '../../../contract/fault.ts';
import type { JobIntake } from '../../../contract/job-rule.ts';
import type { Log } from '../../../contract/log.ts';
import { OWN_PAGE } from '../../../contract/own-page.ts';
import { type Limiter, type RateRule, toRefusal } from '../../../contract/rate-limit.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { escapeHtml } from '../../../http/escape-html.ts';
import { toRequestUrl } from '../../../http/request-url.ts';
import { writeHead } from '../../../http/write-head.ts';
import type { SiteInfo } from '../call/platform.ts';
import { type Subscription, toEventPayload, toEventSite } from '../events/event-rule.ts';
import type { Challenge } from './challenge.ts';
import { CHALLENGE, FORM_NAME, type Form, type Forms, findPlace } from './form.ts';
import { findForm } from './form-search.ts';
import type { Submission } from './submission.ts';
import { toSubmissionPayload } from './submission-payload.ts';
import type { Submissions } from './submissions.ts';
import { readSubmittedForm, type SubmittedForm } from './submitted-form.ts';
import type { UnknownForms } from './unknown-forms.ts';

export interface FormTargetParts {
  readonly forms: Forms;
  readonly site: SiteInfo;
  /** Undefined if this process answers no requests. */
  readonly submissions: Submissions | undefined;
  readonly jobs: JobIntake | undefined;
  /** To `submission-created`. */
  readonly subscriptions: readonly Subscription[];
  /** Undefined: no form has a challenge that can be checked. */
  readonly challenge: Challenge | undefined;
  /** Undefined: a client may send any number of submissions. */
  readonly rate: { readonly limiter: Limiter; readonly rule: RateRule } | undefined;
  /** Of a whole submission, with its files; 0: no separate limit. */
  readonly bodyLimitBytes: number;
  readonly log: Log;
  /** For submissions of forms that no page declares. */
  readonly unknown: UnknownForms;
}

/** Stores submissions of the forms of a site. Passes all other requests with their bodies. */
export class FormTarget implements Target {
  readonly name = 'forms';
  readonly isOwn = true;
  readonly #parts: FormTargetParts;

  constructor(parts: FormTargetParts) {
    this.#parts = parts;
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    const { forms, submissions, rate, bodyLimitBytes } = this.#parts;
    if (exchange.upgrade) return 'passed';
    const form = await findForm(exchange, forms);
    if (!form) return 'passed';
    if ('unknownName' in form) return this.#parts.unknown.answer(exchange, form);
    exchange.step = OWN_PAGE;
    if (!submissions) throw new Fault('store_unavailable', { message: 'there is no store for submissions' });
    const taken = await rate?.limiter.take(rate.rule, toNetwork(exchange.client.address));
    if (rate && taken && !taken.isAllowed) throw toRefusal(rate.rule, taken);
    exchange.limitBody(bodyLimitBytes);
    const id = ulid();
    const submitted = await readSubmittedForm(exchange, id, submissions);
    // The search read only the beginning of the body; the parser has read and checked all of it.
    const name = findValue(submitted, FORM_NAME);
    if (name !== undefined && name !== form.name) throw await this.#refuse(submitted, submissions);
    const reason = await this.#findReasonToDrop(exchange, form, submitted);
    if (reason === undefined) await this.#store(exchange, form, { id, submitted, submissions });
    else {
      await submissions.deleteFiles(submitted.files);
      this.#parts.log.info('a submission was dropped', { form: form.name, reason });
    }
    thank(exchange, form);
    return 'answered';
  }

  describe({ target }: AskedRequest): Effect {
    const { forms } = this.#parts;
    const [path = ''] = target.split('?', 1);
    const here = [...forms.at(path)].map(({ name }) => name);
    const text =
      here.length > 0
        ? `answers, if the body is a submission of ${here.join(', ')}`
        : `answers, if the field ${FORM_NAME} of the body names a form: ${forms.names.join(', ')}; at a page, another name gets 404`;
    return { text, outcome: 'may-answer' };
  }

  async #refuse({ files }: SubmittedForm, submissions: Submissions): Promise<Fault> {
    await submissions.deleteFiles(files);
    return new Fault('bad_body', { clientMessage: `the field ${FORM_NAME} is there twice` });
  }

  /** The response to a dropped submission is the same, so a program that sends spam cannot tell the difference. */
  async #findReasonToDrop(
    { client }: Exchange,
    { honeypots, hasChallenge }: Form,
    submitted: SubmittedForm,
  ): Promise<string | undefined> {
    const { challenge } = this.#parts;
    if (submitted.fields.some(([name, value]) => honeypots.has(name) && value !== '')) return 'the honeypot is filled';
    if (!hasChallenge || !challenge) return undefined;
    const isSolved = await challenge.isSolved(findValue(submitted, CHALLENGE), client.address);
    return isSolved ? undefined : 'the challenge is not solved';
  }

  /**
   * The event and the submission are written at the same time, so that a slow store is waited for once. The store gets the event first: if the process ends in between, its
   * job stores the submission. It is stored also if the client has left by now: it is complete. If the event cannot be stored, nothing of the submission stays: the client
   * sends it again.
   */
  async #store(
    exchange: Exchange,
    form: Form,
    {
      id,
      submitted,
      submissions,
    }: { readonly id: string; readonly submitted: SubmittedForm; readonly submissions: Submissions },
  ): Promise<void> {
    const { subscriptions, jobs, site } = this.#parts;
    const { request, client } = exchange;
    const siteUrl = toOrigin(site.url) ?? toOrigin(toRequestUrl(exchange)) ?? '';
    const submission: Submission = {
      id,
      form: form.name,
      createdAt: new Date().toISOString(),
      fields: submitted.fields.filter(([name]) => name !== FORM_NAME && name !== CHALLENGE),
      files: submitted.files,
      ip: client.address,
      userAgent: request.get('user-agent') ?? '',
      referrer: request.get('referer') ?? '',
      siteUrl,
    };
    const body = { payload: toSubmissionPayload(submission, form), site: toEventSite(site, siteUrl) };
    const pushes = jobs ? subscriptions.map(({ rule }) => jobs.push(rule, toEventPayload(body, submission))) : [];
    const writes = await Promise.allSettled([...pushes, submissions.put(submission)]);
    const failed = writes.find(({ status }) => status === 'rejected');
    if (failed?.status !== 'rejected') return;
    const isPushed = writes.slice(0, pushes.length).some(({ status }) => status === 'fulfilled');
    // The error of the store that matters is the first.
    if (!isPushed) await submissions.discard(submission).catch(() => {});
    throw failed.reason;
  }
}

function findValue({ fields }: SubmittedForm, name: string): string | undefined {
  return fields.find(([each]) => each === name)?.[1];
}

function toOrigin(url: string | undefined): string | undefined {
  return url === undefined ? undefined : URL.parse(url)?.origin;
}

/** As on the platform: 303 to the page that `action` names, or else a page of nexthop. */
function thank(exchange: Exchange, form: Form): void {
  const { request, response, target } = exchange;
  const [path = ''] = target.split('?', 1);
  const thanks = findPlace(form, path, request.get('referer') ?? '')?.thanks;
  if (thanks !== undefined) {
    writeHead(exchange, 303, ['Location', thanks, 'Content-Length', '0', 'Cache-Control', 'no-store']);
    response.end();
    return;
  }
  const page = toThanksPage(request.get('referer') ?? '', request.host ?? '');
  const length = String(Buffer.byteLength(page));
  exchange.contentType = 'text/html; charset=utf-8';
  const headers = ['Content-Type', exchange.contentType, 'Content-Length', length, 'Cache-Control', 'no-store'];
  writeHead(exchange, 200, headers);
  response.end(page);
}

/** The page for a form that has no own thank-you page. It links to the page of the form if that is on the same host. */
function toThanksPage(referrer: string, host: string): string {
  const from = URL.parse(referrer);
  // Two slashes at its beginning would lead to another host.
  const back = from?.host === host.toLowerCase() ? `${from.pathname.replace(/^\/+/, '/')}${from.search}` : '/';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Thank you</title>
<h1>Thank you</h1>
<p>Your form was submitted.</p>
<p><a href="${escapeHtml(back)}">Back to the site</a></p>
</html>
`;
}
