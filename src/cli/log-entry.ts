/** A line of a log. */
export interface LogEntry {
  readonly log: LogName;
  readonly timeMs: number;
  /** The line as it is in the file. */
  readonly line: string;
  readonly values: Readonly<Record<string, unknown>>;
}

export const LOG_NAMES = ['access', 'error', 'functions'] as const;
export type LogName = (typeof LOG_NAMES)[number];

/** Which lines are wanted. */
export interface LogFilter {
  /** Pattern of the route, the file that answers, or the name of a job. */
  readonly route?: string | undefined;
  /** Id of a request or of a job. */
  readonly request?: string | undefined;
}

const ID_KEYS = ['request_id', 'section_io_id', 'job'];
/** Their values are what a filter for a route may name. */
export const ROUTE_KEYS = ['route', 'target', 'rule'] as const;

/** Undefined for a line that is not wanted, and for text that is no line of a log, e.g. one whose beginning is missing. */
export function toEntry(log: LogName, line: string, { route, request }: LogFilter): LogEntry | undefined {
  // Parsing costs most of the time.
  if (request !== undefined && !line.includes(request)) return undefined;
  const values = parse(line);
  const timeMs = Date.parse(toWord(values?.time));
  if (!values || Number.isNaN(timeMs)) return undefined;
  if (request !== undefined && !ID_KEYS.some((key) => values[key] === request)) return undefined;
  if (route !== undefined && !ROUTE_KEYS.some((key) => values[key] === route)) return undefined;
  return { log, timeMs, line, values };
}

/** In the order of time; lines of the same time keep their order. */
export function inOrder(entries: readonly LogEntry[]): readonly LogEntry[] {
  return entries.toSorted((one, other) => one.timeMs - other.timeMs);
}

/** The line as JSON, with the name of its log in front. */
export function toJson({ log, line }: LogEntry): string {
  return `{"log":"${log}",${line.slice(1)}`;
}

/** The line for a person: time, level, id of the request or the job, and text. Further lines of the text are indented. */
export function toText({ log, values }: LogEntry): string {
  const level = log === 'access' ? 'access' : toWord(values.level);
  const id = toWord(values.request_id) || toWord(values.job) || '-';
  const text = log === 'access' ? toAccessText(values) : toMessage(values);
  const whole = `${toWord(values.time)} ${level.padEnd(6)} ${id} ${text}`;
  return withoutControls(whole).replaceAll('\n', '\n    ');
}

function toAccessText({ request, status, time_taken_s, target, fault }: LogEntry['values']): string {
  const asked = toWord(request).replace(/ HTTP\/1\.[01]$/, '');
  const ms = Math.round(Number(time_taken_s) * 1000);
  const answeredBy = toWord(target);
  const failure = toWord(fault);
  return `${asked} ${toWord(status)} ${ms} ms${answeredBy && `, ${answeredBy}`}${failure && `, ${failure}`}`;
}

function toMessage({ message, file, line, stack, request_id, rule, target, error }: LogEntry['values']): string {
  const thrownAt = file === undefined ? '' : `${toWord(file)}${line === undefined ? '' : `:${toWord(line)}`}`;
  // The access line of a request has its file.
  const code = toWord(request_id) === '' ? toWord(rule) || toWord(target) : '';
  const places = [thrownAt, code === file ? '' : code].filter((each) => each !== '');
  const place = places.length === 0 ? '' : ` (${places.join(', ')})`;
  // Of an error of the site's code. The first lines of the stack repeat the message.
  const frames = toWord(file === undefined ? '' : stack)
    .split('\n')
    .filter((each) => /^ +at /.test(each));
  return [`${toKind(error, message)}${toWord(message)}${place}`, ...frames.map((frame) => frame.trim())].join('\n');
}

/** E.g. `TypeError: `, if the line has the message of an error alone: that says less without its kind. */
function toKind(error: unknown, message: unknown): string {
  const { type, message: own } = Object(error);
  return own === message && typeof type === 'string' && type !== 'Error' ? `${type}: ` : '';
}

function toWord(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** All control characters but the line feed: text of functions may have commands for terminals. */
function withoutControls(text: string): string {
  return text.replaceAll(/(?!\n)\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    // The rest of a line that was cut, e.g. by a full disk.
    return undefined;
  }
}
