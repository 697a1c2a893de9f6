import type { ExecutionContext } from 'ava';
import type { Store } from '../../src/contract/store.ts';
import type { Submission } from '../../src/dialects/netlify/forms/submission.ts';
import { NAMESPACE, Submissions } from '../../src/dialects/netlify/forms/submissions.ts';
import { jsonLines } from './json-lines.ts';
import { siteFolder } from './site-folder.ts';

/** A page with a form as users write it: no hidden field with its name, which the platform would add. */
export const CONTACT = `<!doctype html><title>Contact</title>
<form name="contact" method="post" action="/thanks" data-netlify="true" netlify-honeypot="bot-field">
  <p hidden><label>Leave this empty <input name="bot-field"></label></p>
  <label>Your name <input name="name"></label>
  <label for="mail">E-mail</label><input id="mail" type="email" name="email">
  <label>Photo <input type="file" name="photo"></label>
  <textarea name="message"></textarea>
  <button name="send">Send</button>
</form>`;

export interface FormSite {
  readonly folder: string;
  /** The file to which a function appends the events, a line of JSON for each. */
  readonly eventsFile: string;
  /** The bodies of the events so far. */
  events(): Promise<readonly FormEvent[]>;
  untilEvents(count: number): Promise<readonly FormEvent[]>;
}

export interface FormEvent {
  readonly payload: Readonly<Record<string, unknown>>;
  readonly site: unknown;
}

/** A site with the form of CONTACT, and a function that writes down each event. */
export async function formSite(t: ExecutionContext, files: Readonly<Record<string, string>> = {}): Promise<FormSite> {
  const { file, read, until } = await jsonLines<FormEvent>(t);
  const folder = await siteFolder(t, {
    'netlify/functions/submission-created.mjs': `import { appendFileSync } from 'node:fs';
      export default async (request) => appendFileSync(${JSON.stringify(file)}, await request.text() + '\\n');`,
    'public/contact.html': CONTACT,
    'public/index.html': 'home',
    ...files,
  });
  return { folder, eventsFile: file, events: read, untilEvents: (count) => until((all) => all.length >= count) };
}

/** All submissions in a store. */
export async function submissionsIn(store: Store): Promise<readonly Submission[]> {
  const found: Submission[] = [];
  for await (const submission of toSubmissions(store).list()) found.push(submission);
  return found;
}

export function toSubmissions(store: Store): Submissions {
  return new Submissions(store.kv(NAMESPACE), store.blobs({ objectBytes: 1024 ** 3, totalBytes: 0 }));
}

/** Sends a form without following the redirect. */
export function submit(
  url: string,
  fields: Readonly<Record<string, string>> | FormData,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const body = fields instanceof FormData ? fields : new URLSearchParams(fields);
  return fetch(url, { method: 'POST', body, headers, redirect: 'manual' });
}
