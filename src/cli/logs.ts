import { once } from 'node:events';
import { UserError } from '../contract/user-error.ts';
import { defineCommand, type Out } from './command.ts';
import { inOrder, LOG_NAMES, type LogEntry, type LogFilter, toJson, toText } from './log-entry.ts';
import { lastEntries } from './log-files.ts';
import { followLogs } from './log-follow.ts';
import { UsageError } from './usage-error.ts';

const LINES = 100;
/** They are in memory. */
const MOST_LINES = 1_000_000;

export const command = defineCommand({
  forms: ['logs'],
  about:
    'Prints the last lines of access.log, error.log and functions.log in LOG_DIR, in the order of time, also from rotated files.',
  flags: {
    follow: { about: 'keep printing new lines until Ctrl-C' },
    route: { value: 'ROUTE', about: 'only of this pattern or file' },
    request: { value: 'ID', about: 'only of the request with this id' },
    limit: { value: 'COUNT', about: `at most this many lines (${LINES})` },
    json: { about: 'print each line as JSON, with its log' },
  },
  examples: [
    ['nexthop logs --follow --route=/api/:id', 'what one route does'],
    ['nexthop logs --request=01M8B6X3KZ', 'all about one request'],
  ],
  exits: { 0: 'printed', 1: 'LOG_DIR cannot be read' },
  run: async ({ config, flags, out, stdout }) => {
    const { follow = false, json = false, limit = String(LINES), ...filter } = flags;
    const end = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
    // The reader of a pipe ends, e.g. `head`.
    void once(stdout, 'error').then(() => end.abort());
    const call = { dir: config.LOG_DIR, follow, json, most: toMost(limit), filter };
    await printLogs(call, out, end.signal);
    return 0;
  },
});

export interface LogsCall {
  readonly dir: string;
  readonly follow: boolean;
  readonly json: boolean;
  readonly most: number;
  readonly filter: LogFilter;
}

/** Prints the last lines, and with `follow` further ones until the signal. Rejects with a UserError if there are none to read. */
export async function printLogs(call: LogsCall, out: Out, signal: AbortSignal): Promise<void> {
  const { dir, follow, json, most, filter } = call;
  if (dir === '') throw new UserError('LOG_DIR is empty: nexthop writes its logs to its own stdout and stderr');
  const print = (entry: LogEntry): void => out(json ? toJson(entry) : toText(entry));
  try {
    const last = new Set<string>();
    const printNew = (entry: LogEntry): void => {
      if (!last.has(entry.line)) print(entry);
    };
    // First, so that no line is missed; one that is written between the two is found by both.
    const following = follow ? await followLogs({ dir, filter, print: printNew, signal }) : undefined;
    const entries = await Promise.all(LOG_NAMES.map((log) => lastEntries({ dir, log, filter, most })));
    for (const entry of inOrder(entries.flat()).slice(-most)) {
      last.add(entry.line);
      print(entry);
    }
    await following?.();
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException; // of node:fs
    if (code === '') throw cause;
    const what = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    throw new UserError(`the log folder ${dir} ${what}: use the LOG_DIR of the running nexthop`, { cause });
  }
}

function toMost(limit: string): number {
  const most = /^\d+$/.test(limit) ? Number(limit) : 0;
  if (most < 1 || most > MOST_LINES) {
    throw new UsageError(`--limit must be a whole number from 1 to ${MOST_LINES}, got ${JSON.stringify(limit)}`);
  }
  return most;
}
