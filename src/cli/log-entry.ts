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
  /** Pattern of the route, or the file that answers. */
  readonly route?: string | undefined;
  readonly request?: string | undefined;
}

/** Undefined for a line that is not wanted, and for text that is no line of a log, e.g. one whose beginning is missing. */
export function toEntry(log: LogName, line: string, { route, request }: LogFilter): LogEntry | undefined {
  // Parsing costs most of the time.
  if (request !== undefined && !line.includes(request)) return undefined;
  const values = parse(line);
  const timeMs = Date.parse(String(values?.time));
  if (!values || Number.isNaN(timeMs)) return undefined;
  if (request !== undefined && values.request_id !== request && values.section_io_id !== request) return undefined;
  if (route !== undefined && values.route !== route && values.target !== route) return undefined;
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

/** The line for a person: time, level, request id and text. Further lines of the text are indented. */
export function toText({ log, values }: LogEntry): string {
  const level = log === 'access' ? 'access' : toWord(values.level);
  const id = toWord(values.request_id) || '-';
  const text = log === 'access' ? toAccessText(values) : toMessage(values);
  return `${toWord(values.time)} ${level.padEnd(6)} ${id} ${withoutControls(text).replaceAll('\n', '\n    ')}`;
}

function toAccessText({ request, status, time_taken_s, target, fault }: LogEntry['values']): string {
  const asked = toWord(request).replace(/ HTTP\/1\.[01]$/, '');
  const ms = Math.round(Number(time_taken_s) * 1000);
  const answeredBy = toWord(target);
  const failure = toWord(fault);
  return `${asked} ${toWord(status)} ${ms} ms${answeredBy && `, ${answeredBy}`}${failure && `, ${failure}`}`;
}

function toMessage({ message, file, line, stack }: LogEntry['values']): string {
  const place = file === undefined ? '' : ` (${toWord(file)}${line === undefined ? '' : `:${toWord(line)}`})`;
  // Of an error of the site's code. The first lines of the stack repeat the message.
  const frames = toWord(file === undefined ? '' : stack)
    .split('\n')
    .filter((each) => /^ +at /.test(each));
  return [`${toWord(message)}${place}`, ...frames.map((frame) => frame.trim())].join('\n');
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
