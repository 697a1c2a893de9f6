import { createHash } from 'node:crypto';
import { escapeHtml } from '../../../http/escape-html.ts';
import type { Form, FormField } from './form.ts';
import { type Submission, type SubmittedFile, toFileUrl } from './submission.ts';

/** The payload of the event `submission-created`, as on the platform. `form`: undefined if the site has no such form any more. */
export function toSubmissionPayload(submission: Submission, form: Form | undefined): object {
  const { fields, files, ip, userAgent, referrer, createdAt, id, siteUrl } = submission;
  const values = groupValues(fields);
  const uploads = groupValues(files.map((file) => [file.field, toUpload(submission, file)] as const));
  const shown = [...values, ...groupValues(files.map((file) => [file.field, toFileUrl(submission, file)] as const))]
    .filter(([name]) => !form?.honeypots.has(name))
    .map(([name, value]) => ({ title: toTitle(name, form), name, value: toText(value) }));
  const name = findValue(values, NAMES.name);
  const title = findTitle(values, form);
  const body = findFieldValue(values, form, ({ type }) => type === 'textarea');
  return {
    title,
    email: findFieldValue(values, form, ({ type }) => type === 'email') ?? findValue(values, NAMES.email),
    name,
    ...toNames(values, name),
    company: findValue(values, NAMES.company),
    summary: toSummary(title, body),
    body,
    data: {
      ...Object.fromEntries(values),
      ...Object.fromEntries(uploads),
      ip,
      user_agent: userAgent,
      referrer,
    },
    created_at: createdAt,
    human_fields: Object.fromEntries(shown.map(({ title: key, value }) => [key, value])),
    ordered_human_fields: shown,
    id,
    form_id: createHash('sha256').update(submission.form).digest('hex').slice(0, FORM_ID_LENGTH),
    site_url: siteUrl,
    form_name: submission.form,
  };
}

/** Of the platform's ids. */
const FORM_ID_LENGTH = 24;

/** Names of fields by which the platform recognises them, in lower case without separators. */
const NAMES = {
  name: ['name', 'fullname'],
  first: ['firstname', 'givenname', 'forename'],
  last: ['lastname', 'surname', 'byname'],
  email: ['email', 'mail', 'from', 'twitter', 'sender'],
  company: ['company', 'business', 'employer'],
  title: ['title', 'subject'],
} as const satisfies Record<string, readonly string[]>;

type Grouped<T> = ReadonlyMap<string, T | readonly T[]>;

/** A name that is there more than once has a list of values. */
function groupValues<T>(pairs: readonly (readonly [name: string, value: T])[]): Grouped<T> {
  return new Map(
    [...Map.groupBy(pairs, ([name]) => name)].map(([name, [first, ...others]]) => {
      const value = first?.[1] as T; // a group is never empty
      return [name, others.length > 0 ? [value, ...others.map(([, each]) => each)] : value];
    }),
  );
}

function toUpload(submission: Submission, file: SubmittedFile): object {
  const { name: filename, size, type } = file;
  return { filename, type, size, url: toFileUrl(submission, file) };
}

function toText(value: string | readonly string[]): string {
  return typeof value === 'string' ? value : value.join(', ');
}

/** The label, or the words of the name: `page_uid` is `Page Uid`. */
function toTitle(name: string, form: Form | undefined): string {
  const label = form?.fields.get(name)?.label;
  if (label) return label;
  const words = name.replaceAll(/([a-z\d])([A-Z])/g, '$1 $2').split(/[\s_-]+/);
  return words
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ')
    .trim();
}

function findValue(values: Grouped<string>, names: readonly string[]): string | null {
  for (const [name, value] of values)
    if (names.includes(name.toLowerCase().replaceAll(/[\s_-]/g, ''))) return toText(value);
  return null;
}

function findFieldValue(
  values: Grouped<string>,
  form: Form | undefined,
  isIt: (field: FormField) => boolean,
): string | null {
  for (const field of form?.fields.values() ?? []) {
    const value = isIt(field) ? values.get(field.name) : undefined;
    if (value !== undefined) return toText(value);
  }
  return null;
}

/** The first text field that is no address, or a field called `title` or `subject`. */
function findTitle(values: Grouped<string>, form: Form | undefined): string | null {
  const isTitle = ({ type, name }: FormField): boolean =>
    type === 'text' && !NAMES.email.some((each) => name.toLowerCase().includes(each)) && !form?.honeypots.has(name);
  return findFieldValue(values, form, isTitle) ?? findValue(values, NAMES.title);
}

function toNames(
  values: Grouped<string>,
  name: string | null,
): { readonly first_name: string | null; readonly last_name: string | null } {
  const [first, last] = [findValue(values, NAMES.first), findValue(values, NAMES.last)];
  if (first !== null || last !== null || name === null) return { first_name: first, last_name: last };
  const words = name.trim().split(/\s+/);
  // Only two words are certainly a first and a last name.
  return words.length === 2
    ? { first_name: words[0] ?? null, last_name: words[1] ?? null }
    : { first_name: name, last_name: null };
}

/** Characters of the body in the summary. */
const SUMMARY_LENGTH = 80;

function toSummary(title: string | null, body: string | null): string {
  const text = body ?? '';
  const short = text.length > SUMMARY_LENGTH ? `${text.slice(0, SUMMARY_LENGTH - 3)}...` : text;
  return [title === null ? '' : `<strong>${escapeHtml(title)}</strong>`, escapeHtml(short)].filter(Boolean).join(' ');
}
