import type { Config } from '../config/config.ts';
import { Fault } from '../contract/fault.ts';
import { didYouMean } from '../contract/problem.ts';
import { UserError } from '../contract/user-error.ts';
import { type Submission, toFileUrl } from '../dialects/netlify/forms/submission.ts';
import { NAMESPACE, Submissions } from '../dialects/netlify/forms/submissions.ts';
import { openBlobs } from '../stores/open.ts';
import { align, inOneLine } from './align.ts';
import { defineCommand } from './command.ts';
import { confirm } from './confirm.ts';
import { type FormsCall, toFormsVerb } from './forms-call.ts';
import { namesOf, toCsvHead, toCsvLine } from './forms-csv.ts';
import { UsageError } from './usage-error.ts';
import { explainNoStore, useStore } from './use-store.ts';

export const command = defineCommand({
  forms: ['forms [list [FORM]]', 'forms show ID', 'forms export [FORM]', 'forms delete ID...', 'forms delete --all'],
  about: 'Lists, shows, exports or deletes the submissions of forms, whether nexthop runs or not.',
  words: 'own',
  flags: {
    json: { about: 'print JSON' },
    csv: { about: 'export: print CSV' },
    limit: { value: 'COUNT', about: 'list: the newest ones, at most this many; default: 50' },
    all: { about: 'delete: all submissions' },
    form: { value: 'FORM', about: 'delete with --all: only those of one form' },
    yes: { about: 'delete with --all: do not ask' },
  },
  examples: [
    ['nexthop forms list contact', 'the newest submissions of the form contact'],
    ['nexthop forms export contact --csv > contact.csv', 'all of them, for a spreadsheet'],
  ],
  exits: { 0: 'done', 1: 'there is no such submission, or the store cannot be used' },
  run: ({ config, out, flags, words }) => forms(config, out, { ...flags, words }),
});

type Out = (line: string) => void;

/**
 * Shows, exports or deletes the submissions of forms of a site, whether nexthop runs or not.
 * Resolves with the exit code: 1 if there is no such submission. Rejects with a UserError if the
 * store cannot be used, with a UsageError if the arguments are invalid.
 */
export async function forms(config: Config, out: Out, call: FormsCall): Promise<number> {
  const { verb, words } = toFormsVerb(call);
  const noStore = explainNoStore(config);
  if (noStore !== undefined) throw new UserError(noStore);
  const [word] = words;
  try {
    return await useStore(config, async (store, log) => {
      const submissions = new Submissions(store.kv(NAMESPACE), openBlobs(config, store, log));
      switch (verb) {
        case 'list':
          return list(submissions, out, { ...call, form: word });
        case 'show':
          return show(submissions, out, { ...call, id: word ?? '' });
        case 'export':
          return call.json ? exportJson(submissions, out, word) : exportCsv(submissions, out, word);
        case 'delete':
          return call.all ? deleteAll(submissions, out, call) : deleteSome(submissions, out, { ...call, ids: words });
      }
    });
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'store_unavailable') throw error;
    throw new UserError(`the store cannot be used: ${error.message}`, { cause: error });
  }
}

/** Oldest first. `form`: only those of this form. */
async function* select(submissions: Submissions, form: string | undefined): AsyncGenerator<Submission> {
  for await (const each of submissions.list()) if (form === undefined || each.form === form) yield each;
}

const USUAL_LIMIT = 50;

async function list(
  submissions: Submissions,
  out: Out,
  { form, json, limit = String(USUAL_LIMIT) }: Omit<FormsCall, 'form'> & { readonly form: string | undefined },
): Promise<number> {
  if (!/^[1-9]\d{0,5}$/.test(limit)) throw new UsageError(`--limit is a number from 1, got ${JSON.stringify(limit)}`);
  // The newest ones: they are what an operator looks for.
  const newest: Submission[] = [];
  const counts = new Map<string, number>();
  for await (const each of select(submissions, form)) {
    counts.set(each.form, (counts.get(each.form) ?? 0) + 1);
    newest.push(each);
    if (newest.length > Number(limit)) newest.shift();
  }
  if (json) {
    out(JSON.stringify({ counts: Object.fromEntries(counts), submissions: newest.map(toJson) }, undefined, 2));
    return 0;
  }
  const others = counts.size === 0 ? await findOthers(submissions, form) : new Set<string>();
  const total = [...counts].map(([name, count]) => `${count} ${inOneLine(name)}`).join(', ');
  const hint =
    others.size > 0 ? ` of ${inOneLine(form ?? '')}; there are some of ${[...others].map(inOneLine).join(', ')}` : '';
  out(total || `no submissions${hint}`);
  if (newest.length === 0) return 0;
  out('');
  const rows = newest.map(({ createdAt, form: name, id, fields, files }) => [
    createdAt,
    name,
    id,
    shorten([...fields.map(([, value]) => value), ...files.map(({ name: file }) => file)].filter(Boolean).join(' · ')),
  ]);
  for (const line of align([['created', 'form', 'id', 'content'], ...rows])) out(line);
  return 0;
}

const SHOWN_CHARACTERS = 60;

function shorten(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS - 1)}…` : text;
}

async function show(
  submissions: Submissions,
  out: Out,
  { id, json }: { readonly id: string; readonly json?: boolean },
): Promise<number> {
  const found = await submissions.find(id);
  if (!found) throw new UserError(`there is no submission ${inOneLine(id)}; nexthop forms lists those there are`);
  if (json) {
    out(JSON.stringify(toJson(found), undefined, 2));
    return 0;
  }
  const { form, createdAt, ip, userAgent, referrer, fields, files } = found;
  const facts = { form, created: createdAt, ip, user_agent: userAgent, referrer };
  const rows = [
    ...Object.entries(facts),
    ...files.map((file) => [file.field, `${file.name}, ${file.size} bytes, ${toFileUrl(found, file)}`]),
  ];
  for (const line of align(rows)) out(line);
  for (const [name, value] of fields) {
    out(`\n${inOneLine(name)}`);
    for (const line of value.split(/\r?\n/)) out(`  ${inOneLine(line)}`.trimEnd());
  }
  return 0;
}

/** A submission with names as in the event; its fields are a list, because a name may be there more than once. */
function toJson(submission: Submission): object {
  const { id, form, createdAt, fields, files, ip, userAgent, referrer } = submission;
  return {
    ...{ id, form, created_at: createdAt, ip, user_agent: userAgent, referrer },
    fields: fields.map(([name, value]) => ({ name, value })),
    files: files.map((file) => {
      const { field, name, type, size } = file;
      return { field, name, type, size, url: toFileUrl(submission, file) };
    }),
  };
}

/** One submission a line, so that there is no limit to their number. */
async function exportJson(submissions: Submissions, out: Out, form: string | undefined): Promise<number> {
  let isEmpty = true;
  for await (const each of select(submissions, form)) {
    out(JSON.stringify(toJson(each)));
    isEmpty = false;
  }
  if (isEmpty) await findOthers(submissions, form);
  return 0;
}

/** Read twice: the head has the fields of all submissions. */
async function exportCsv(submissions: Submissions, out: Out, form: string | undefined): Promise<number> {
  const found = new Set<string>();
  for await (const each of select(submissions, form)) for (const name of namesOf(each)) found.add(name);
  const names = [...found];
  if (names.length === 0) await findOthers(submissions, form);
  out(toCsvHead(names));
  for await (const each of select(submissions, form)) out(toCsvLine(each, names));
  return 0;
}

type Deletion = Pick<FormsCall, 'json' | 'yes'>;

async function deleteSome(
  submissions: Submissions,
  out: Out,
  { ids, json }: Deletion & { readonly ids: readonly string[] },
): Promise<number> {
  const missing: string[] = [];
  for (const id of ids) {
    const isDeleted = await submissions.delete(id);
    if (!isDeleted) missing.push(id);
    if (!json) out(isDeleted ? `submission ${id} is deleted` : `there is no submission ${inOneLine(id)}`);
  }
  if (json) out(JSON.stringify({ deleted: ids.length - missing.length, missing }, undefined, 2));
  return missing.length > 0 ? 1 : 0;
}

async function deleteAll(
  submissions: Submissions,
  out: Out,
  { form, json, yes }: Deletion & Pick<FormsCall, 'form'>,
): Promise<number> {
  const ids: string[] = [];
  for await (const { id } of select(submissions, form)) ids.push(id);
  if (ids.length === 0) await findOthers(submissions, form);
  else await confirm({ what: `delete ${count(ids.length)}${form === undefined ? '' : ` of ${inOneLine(form)}`}`, yes });
  let deleted = 0;
  for (const id of ids) if (await submissions.delete(id)) deleted++;
  if (json) out(JSON.stringify({ deleted }, undefined, 2));
  else out(`${count(deleted)} ${deleted === 1 ? 'is' : 'are'} deleted`);
  return 0;
}

function count(submissions: number): string {
  return submissions === 1 ? '1 submission' : `${submissions} submissions`;
}

/**
 * The forms that have submissions, of a form without any, which may have none yet. Throws a UserError
 * if one of them has nearly the same name.
 */
async function findOthers(submissions: Submissions, form: string | undefined): Promise<ReadonlySet<string>> {
  if (form === undefined) return new Set();
  const names = new Set<string>();
  for await (const each of submissions.list()) names.add(each.form);
  const nearest = didYouMean(form, names);
  if (nearest !== '') throw new UserError(`the form ${JSON.stringify(form)} has no submissions${nearest}`);
  return names;
}
