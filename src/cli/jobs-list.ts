import type { JobFilter, JobRecord, JobState, Ledger } from '../contract/store.ts';
import { align } from './align.ts';
import { toJobJson } from './job-json.ts';
import type { JobsCall } from './jobs-call.ts';
import { UsageError } from './usage-error.ts';

const STATES: readonly JobState[] = ['waiting', 'running', 'dead'];

/** Schedules are not jobs until they are due, and a user may look for them here. */
export const SCHEDULES_HINT = '"nexthop jobs schedules" lists the schedules of the site and their next runs';

/** The usual number of listed jobs. */
const USUAL_LIMIT = 50;
const HIGHEST_LIMIT = 10_000;

/** Jobs per call to the store: it returns them with their payloads, which may be large. */
const PAGE = 50;

/** The properties of a job that a line shows. */
type Listed = Omit<JobRecord, 'payload'> & { readonly payloadBytes: number };

/**
 * Prints the jobs, oldest push first, and their counts. Throws a UsageError for an invalid filter.
 */
export async function listJobs(
  ledger: Ledger,
  out: (line: string) => void,
  call: Omit<JobsCall, 'words'>,
): Promise<number> {
  const filter = toFilter(call);
  const [counts, found] = await Promise.all([ledger.counts(), find(ledger, { ...filter, limit: filter.limit + 1 })]);
  const listed = found.slice(0, filter.limit);
  const hasMore = found.length > listed.length;
  if (call.json) {
    out(JSON.stringify({ counts, jobs: listed.map(toJobJson), more: hasMore }, undefined, 2));
    return 0;
  }
  out(STATES.map((state) => `${counts[state]} ${state}`).join(', '));
  if (STATES.every((state) => counts[state] === 0)) out(`no job waits; ${SCHEDULES_HINT}`);
  if (listed.length > 0) for (const line of ['', ...align(toRows(listed))]) out(line);
  if (hasMore)
    out(
      `\nand ${toRest(filter, counts, listed.length)} more: --limit=${Math.min(filter.limit * 10, HIGHEST_LIMIT)} shows more of them`,
    );
  return 0;
}

function toFilter({ state, rule, limit = String(USUAL_LIMIT) }: Omit<JobsCall, 'words'>): JobFilter {
  const known = STATES.find((name) => name === state);
  if (state !== undefined && !known)
    throw new UsageError(`--state is ${STATES.join(', ')}, got ${JSON.stringify(state)}`);
  if (!/^\d{1,5}$/.test(limit) || Number(limit) < 1 || Number(limit) > HIGHEST_LIMIT) {
    throw new UsageError(`--limit is a number from 1 to ${HIGHEST_LIMIT}, got ${JSON.stringify(limit)}`);
  }
  return { limit: Number(limit), ...(known && { state: known }), ...(rule !== undefined && { rule }) };
}

async function find(ledger: Ledger, filter: JobFilter): Promise<readonly Listed[]> {
  const found: Listed[] = [];
  for (;;) {
    const limit = Math.min(PAGE, filter.limit - found.length);
    const last = found.at(-1);
    const page = await ledger.list({ ...filter, limit, ...(last && { after: last.id }) });
    for (const { payload, ...job } of page) found.push({ ...job, payloadBytes: payload.length });
    if (page.length < limit || found.length >= filter.limit) return found;
  }
}

function toRows(jobs: readonly Listed[]): readonly (readonly string[])[] {
  const nowMs = Date.now();
  return [
    ['state', 'age', 'due', 'attempts', 'failures', 'rule', 'id', 'reason'],
    ...jobs.map((job) => [
      job.state,
      toDurationText(nowMs - job.pushedAtMs),
      toDue(job, nowMs),
      String(job.attempts),
      String(job.failures),
      job.rule,
      job.id,
      job.reason.split('\n', 1)[0] ?? '',
    ]),
  ];
}

function toDue({ state, dueAtMs, leaseEndsAtMs }: Listed, nowMs: number): string {
  if (state === 'dead') return '-';
  if (state === 'running') return `lease ${toDurationText((leaseEndsAtMs ?? nowMs) - nowMs)}`;
  return dueAtMs > nowMs ? `in ${toDurationText(dueAtMs - nowMs)}` : 'now';
}

/** The store does not count the jobs of one rule. */
function toRest({ state, rule }: JobFilter, counts: Readonly<Record<JobState, number>>, shown: number): string {
  if (rule !== undefined) return 'there are';
  const all = state ? counts[state] : counts.waiting + counts.running + counts.dead;
  return String(Math.max(all - shown, 1));
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
] as const;

/** A duration in its largest unit: `12s`, `3m`, `2d`. */
function toDurationText(ms: number): string {
  const [unit, unitMs] = UNITS.find(([, unitMs]) => ms >= unitMs) ?? ['s', 1000];
  return `${Math.max(0, Math.floor(ms / unitMs))}${unit}`;
}
