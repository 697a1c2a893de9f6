import { Schedule } from '../../../contract/schedule.ts';

/** An entry of `schedules`: a request that is sent at the times of a cron expression. */
export interface ScheduleEntry {
  /** Unique. */
  readonly name: string;
  readonly cron: string;
  /** With its query. */
  readonly path: string;
  /** Undefined: POST, or GET if the path has only a function for GET. */
  readonly method: string | undefined;
  /** Sent as JSON. Undefined: the request has no body. */
  readonly payload: unknown;
  readonly timeoutMs: number | undefined;
  /** IANA name. */
  readonly timezone: string;
  /** The line of `edgeone.json`. */
  readonly line: number | undefined;
}

/** Reports a mistake in a member of the entry, as the rest of a sentence. */
export type ReportMember = (member: string, message: string) => void;

export const SCHEDULE_KEYS: readonly string[] = ['name', 'cron', 'path', 'method', 'payload', 'timeout', 'timezone'];

const METHODS: readonly unknown[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

/** One day: a longer run would overlap with its next one. */
const MAX_SECONDS = 86_400;

/** The entry without its line, or undefined if it has a mistake, which is reported. `taken`: names of earlier entries. */
export function checkSchedule(
  entry: Readonly<Record<string, unknown>>,
  report: ReportMember,
  taken: ReadonlySet<string>,
): Omit<ScheduleEntry, 'line'> | undefined {
  const { name, cron, path, payload, timeout, timezone = 'UTC' } = entry;
  const method = typeof entry.method === 'string' ? entry.method.toUpperCase() : entry.method;
  const mistakes: (readonly [member: string, message: string])[] = [];
  const expect = (isValid: boolean, member: string, message: string): void => {
    if (!isValid) mistakes.push([member, `${message}, got ${JSON.stringify(entry[member]) ?? 'nothing'}`]);
  };
  expect(typeof path === 'string' && /^\/[!-~]*$/.test(path), 'path', 'must be a path that starts with "/"');
  expect(name === undefined || (typeof name === 'string' && name !== ''), 'name', 'must be a text');
  expect(method === undefined || METHODS.includes(method), 'method', `must be one of ${METHODS.join(', ')}`);
  expect(isZone(timezone), 'timezone', 'must be the IANA name of a time zone, such as "Asia/Shanghai"');
  expect(
    timeout === undefined || (typeof timeout === 'number' && timeout > 0 && timeout <= MAX_SECONDS),
    'timeout',
    `must be a number of seconds, more than 0 and at most ${MAX_SECONDS}`,
  );
  if (payload !== undefined && (method === 'GET' || method === 'HEAD')) {
    mistakes.push(['payload', `cannot be sent with ${method}, which has no body`]);
  }
  const cronMistake = findCronMistake(cron);
  if (cronMistake !== undefined) mistakes.push(['cron', cronMistake]);
  const ownName = String(name ?? path);
  if (taken.has(ownName)) mistakes.push(['name', `${JSON.stringify(ownName)} is the name of an earlier entry`]);
  for (const [member, message] of mistakes) report(member, `${message}; the schedule is not used`);
  if (mistakes.length > 0) return undefined;
  return {
    name: ownName,
    cron: String(cron),
    path: String(path),
    method: method as string | undefined, // checked
    payload,
    timeoutMs: timeout === undefined ? undefined : Number(timeout) * 1000,
    timezone: String(timezone),
  };
}

function isZone(name: unknown): boolean {
  if (typeof name !== 'string' || name === '') return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    // A RangeError: the zone is unknown.
    return false;
  }
}

function findCronMistake(cron: unknown): string | undefined {
  if (typeof cron !== 'string')
    return `must be a cron expression such as "0 3 * * *", got ${JSON.stringify(cron) ?? 'nothing'}`;
  try {
    return new Schedule(cron).nextAfter(Date.now()) === undefined
      ? `never comes, got ${JSON.stringify(cron)}`
      : undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `must be a cron expression of five fields, got ${JSON.stringify(cron)} (${reason})`;
  }
}
