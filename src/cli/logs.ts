import { existsSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { didYouMean } from '../contract/problem.ts';
import { UserError } from '../contract/user-error.ts';
import { defineCommand, type Out } from './command.ts';
import { findLogDir } from './log-dir-record.ts';
import { inOrder, LOG_NAMES, type LogEntry, type LogFilter, ROUTE_KEYS, toJson, toText } from './log-entry.ts';
import { hasLogFiles, lastEntries } from './log-files.ts';
import { followLogs } from './log-follow.ts';
import { UsageError } from './usage-error.ts';

const LINES = 100;
/** For a text that says why no line is printed. */
const SEARCHED_LINES = 10_000;
const LISTED_NAMES = 20;
/** They are in memory. */
const MOST_LINES = 1_000_000;

export const command = defineCommand({
  forms: ['logs [SITE]'],
  about:
    'Prints the last lines of access.log, error.log and functions.log in the order of time, also from rotated files. They are those of LOG_DIR if it is set, else of the nexthop that was started last with the DATA_DIR of the site, else of /var/log/nodejs.',
  flags: {
    follow: { short: 'f', about: 'print new lines, too, until Ctrl-C' },
    route: { value: 'ROUTE', about: 'only of this pattern, file, or function of jobs' },
    request: { value: 'ID', about: 'only of the request or the job with this id' },
    limit: { short: 'n', value: 'COUNT', about: `at most this many lines; default: ${LINES}` },
    json: { about: 'print each line as JSON, with its log' },
  },
  examples: [
    ['nexthop logs my-site', 'the last lines of the nexthop that serves my-site'],
    ['nexthop logs --follow --route=/api/:id', 'what one route does'],
    ['nexthop logs --request=01M8B6X3KZ', 'all about one request'],
  ],
  exits: { 0: 'printed, also if there was no line', 1: 'the folder cannot be read, or there are no log files' },
  run: async ({ config, flags, out, complain }) => {
    const { follow = false, json = false, limit = String(LINES), ...filter } = flags;
    const end = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
    const folder = toFolder(config);
    await printLogs({ ...folder, follow, json, most: toMost(limit), filter, complain }, out, end.signal);
    return 0;
  },
});

/** The folder that is read. */
export interface LogFolder {
  /** Absolute path; '' if there are no log files. */
  readonly dir: string;
  /** Where its path was found, for messages. */
  readonly from: string;
  /** Nothing says that the site has its logs there: the lines may be of another one. */
  readonly isGuess?: boolean;
}

/** The server may have been started with another LOG_DIR than that of this shell. */
export function toFolder(config: Pick<Config, 'LOG_DIR' | 'DATA_DIR' | 'site' | 'given'>): LogFolder {
  const { LOG_DIR, DATA_DIR, site, given } = config;
  if (given.has('LOG_DIR')) return { dir: LOG_DIR, from: 'LOG_DIR' };
  const dir = findLogDir(config);
  if (dir === undefined) {
    const hasData = given.has('DATA_DIR') || existsSync(site);
    const why = hasData ? `no nexthop has left another one in DATA_DIR ${DATA_DIR}` : `there is no site ${site}`;
    return { dir: LOG_DIR, from: `the default; ${why}`, isGuess: true };
  }
  return { dir, from: `the LOG_DIR of the nexthop that was started last with DATA_DIR ${DATA_DIR}` };
}

export interface LogsCall extends LogFolder {
  readonly follow: boolean;
  readonly json: boolean;
  readonly most: number;
  readonly filter: LogFilter;
  /** Gets a text if no line is there to print, or if the lines may be of another site. */
  readonly complain: Out;
}

/** Prints the last lines, and with `follow` further ones until the signal. Rejects with a UserError if there is no folder to read. */
export async function printLogs(call: LogsCall, out: Out, signal: AbortSignal): Promise<void> {
  const { dir, from, isGuess, follow, json, most, filter, complain } = call;
  if (dir === '')
    throw new UserError(`there are no log files\n  ${from} is empty, so stdout and stderr of nexthop have the logs`);
  const print = (entry: LogEntry): void => out(json ? toJson(entry) : toText(entry));
  try {
    const last = new Set<string>();
    const printNew = (entry: LogEntry): void => {
      if (!last.has(entry.line)) print(entry);
    };
    // First, so that no line is missed; one that is written between the two is found by both.
    const following = follow ? await followLogs({ dir, filter, print: printNew, signal }) : undefined;
    const entries = inOrder(await readAll(call)).slice(-most);
    if (isGuess && entries.length > 0) complain(`these are the logs of ${dir}, maybe of another site\n  it is ${from}`);
    for (const entry of entries) {
      last.add(entry.line);
      print(entry);
    }
    if (entries.length === 0) {
      // With --follow, they may be created later.
      if (!follow && !(await hasLogFiles(dir))) throw new UserError(advise(`the log folder ${dir} ${NO_FILES}`, from));
      complain(await explainSilence(call));
    }
    await following?.();
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException; // of node:fs
    if (code === '') throw cause;
    const what = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    throw new UserError(advise(`the log folder ${dir} ${what}`, from), { cause });
  }
}

const NO_FILES = 'has no access.log, error.log or functions.log';

/** What is wrong with a folder, why it was read, and what to do: a line for each. */
function advise(complaint: string, from: string): string {
  return [
    complaint,
    `it is ${from}`,
    'name the site, as in nexthop logs my-site, or the folder, as in nexthop logs --log-dir=logs',
    'nexthop dev writes log files only if it is called with --log-dir',
  ].join('\n  ');
}

type Reading = Pick<LogsCall, 'dir' | 'filter' | 'most'>;

/** Of each log at most so many lines as wanted. */
async function readAll({ dir, filter, most }: Reading): Promise<readonly LogEntry[]> {
  return (await Promise.all(LOG_NAMES.map((log) => lastEntries({ dir, log, filter, most })))).flat();
}

/** Without it, no line of a quiet server looks the same as another folder, or as a route that is misspelt. */
async function explainSilence({ dir, from, follow, filter }: LogsCall): Promise<string> {
  const { route, request } = filter;
  const where = `in the logs of ${dir} (${from})`;
  const so = follow ? ' yet' : '';
  const all = await readAll({ dir, filter: {}, most: SEARCHED_LINES });
  if (all.length === 0) return advise(`there are no lines${so} in the logs of ${dir}`, from);
  if (route === undefined) return `there are no lines${so} with the id ${JSON.stringify(request)} ${where}`;
  const names = namesOf(all);
  const nearest = didYouMean(route, names);
  const both = request === undefined ? '' : ` and the id ${JSON.stringify(request)}`;
  if (names.includes(route)) return `there are no lines${so} of ${route}${both} ${where}`;
  const listed = names.slice(0, LISTED_NAMES).join(', ');
  const more = names.length > LISTED_NAMES ? ` and ${names.length - LISTED_NAMES} more` : '';
  const known = names.length === 0 ? 'no line there has a route' : `the last lines are of ${listed}${more}`;
  return `there are no lines${so} of ${JSON.stringify(route)} ${where}${nearest}\n${known}`;
}

/** What `--route` may name, the most frequent one first. */
function namesOf(entries: readonly LogEntry[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { values } of entries) {
    for (const name of new Set(ROUTE_KEYS.map((key) => values[key]))) {
      if (typeof name === 'string' && name !== '') counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return [...counts].toSorted(([, one], [, other]) => other - one).map(([name]) => name);
}

function toMost(limit: string): number {
  const most = /^\d+$/.test(limit) ? Number(limit) : 0;
  if (most < 1 || most > MOST_LINES) {
    throw new UsageError(`--limit must be a whole number from 1 to ${MOST_LINES}, got ${JSON.stringify(limit)}`);
  }
  return most;
}
