import { type Submission, toFileUrl } from '../dialects/netlify/forms/submission.ts';

/** Columns before and after those of the fields. */
const FIRST = ['id', 'form', 'created_at'];
const LAST = ['ip', 'user_agent', 'referrer'];

/** The names of the fields of a submission, each once, and then those of its files. */
export function namesOf({ fields, files }: Submission): ReadonlySet<string> {
  return new Set([...fields.map(([name]) => name), ...files.map(({ field }) => field)]);
}

/** The first line. `names`: of the fields of all submissions. */
export function toCsvHead(names: readonly string[]): string {
  return toLine([...FIRST, ...names, ...LAST]);
}

/** One submission as a line (RFC 4180), without the line break at its end. Several values of one field are one cell with lines. */
export function toCsvLine(submission: Submission, names: readonly string[]): string {
  const { id, form, createdAt, ip, userAgent, referrer, fields, files } = submission;
  const values = [...fields, ...files.map((file) => [file.field, toFileUrl(submission, file)] as const)];
  const cells = names.map((name) => values.flatMap(([each, value]) => (each === name ? [value] : [])).join('\n'));
  return toLine([id, form, createdAt, ...cells, ip, userAgent, referrer]);
}

function toLine(cells: readonly string[]): string {
  return `${cells.map(toCell).join(',')}\r`;
}

function toCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A spreadsheet would run it (owasp.org, CSV injection). Numbers of telephones stay as they are. */
const FORMULA = /^(?:[=@\t\r]|[+-](?![\d\s()./-]*$))/;
