import { styleText } from 'node:util';
import { type CodeFrame, toFrameRows } from './code-frame.ts';
import type { ErrorReport } from './error-report.ts';
import type { PrintedLine, RequestRecord } from './request-record.ts';

type Style = Parameters<typeof styleText>[0];

export interface TerminalParts {
  /** Writes a line. */
  readonly out: (line: string) => void;
  readonly hasColors: boolean;
}

/** Width of the method and path, so that the columns after it are in line for most requests. */
const REQUEST_WIDTH = 36;

/** A longer one is cut, e.g. with a token in its query. */
const LONGEST_REQUEST = 120;

/** Prints what happens in the site for the person who develops it. */
export class Terminal {
  readonly #out: (line: string) => void;
  readonly #hasColors: boolean;

  constructor({ out, hasColors }: TerminalParts) {
    this.#out = out;
    this.#hasColors = hasColors;
  }

  /** One line: method, path, status, time, route, file; below it what its code printed and its error. */
  request(record: RequestRecord, { withPrinted }: { readonly withPrinted: boolean }): void {
    const { method, target, status, tookMs = 0, fault, error } = record;
    const asked = spellRequest(method, target);
    const took = spellMs(tookMs).padStart(7);
    const style = styleOf(status);
    const head = `${asked}  ${this.paint(style, String(status || '–').padStart(3))}  ${took}`;
    const code = fault === '' ? '' : `  ${this.paint(style, visible(fault))}`;
    const cached = isFromCache(record) ? this.paint('dim', '  from the cache') : '';
    const on = spellWay(record);
    const way = on === '' ? '' : this.paint('dim', `  ${visible(on)}`);
    this.#out(`${head}  ${this.paint('dim', visible(whatAnswered(record)))}${cached}${way}${code}`.trimEnd());
    if (withPrinted) for (const line of record.printed) this.printed(line);
    if (error) this.error(error);
  }

  /** A request that takes long, whose code has printed something. */
  open({ method, target, printed }: RequestRecord): void {
    this.#out(`${spellRequest(method, target)}  ${this.paint('dim', '…  in progress')}`);
    for (const line of printed) this.printed(line);
  }

  job({ rule, file, tookMs }: { readonly rule: string; readonly file: string; readonly tookMs: number }): void {
    const head = `${`job ${rule}`.padEnd(REQUEST_WIDTH)} ${this.paint('green', 'done')}  ${spellMs(tookMs).padStart(7)}`;
    this.#out(`${head}  ${this.paint('dim', file)}`);
  }

  /** What code printed, below its request. */
  printed({ level, text }: Pick<PrintedLine, 'level' | 'text'>): void {
    const bar = this.paint(level === 'error' ? 'red' : level === 'warn' ? 'yellow' : 'dim', '│');
    for (const line of text.split('\n')) this.#out(`  ${bar} ${this.#hasColors ? line : visible(line)}`);
  }

  error(report: ErrorReport): void {
    this.#out('');
    this.#describe(report, '  ');
    this.#out('');
  }

  /** A mistake that was found while the site was read. */
  problem(severity: 'error' | 'warning', report: ErrorReport): void {
    const style = severity === 'error' ? 'red' : 'yellow';
    const [first = '', ...rest] = report.title.split('\n');
    this.#out(
      `${this.paint(style, severity.padEnd(7))}  ${report.place === '' ? '' : `${this.paint('bold', report.place)}  `}${visible(first)}`,
    );
    for (const line of rest) this.#out(`         ${visible(line)}`);
    if (severity === 'error' && report.frame) {
      this.#frame(report.frame, '         ');
      this.#out('');
    }
  }

  /** A line about the server itself. */
  note(text: string): void {
    this.#out(text);
  }

  paint(style: Style, text: string): string {
    return this.#hasColors ? styleText(style, text, { validateStream: false }) : text;
  }

  #describe({ title, place, frame, calls, cause }: ErrorReport, indent: string): void {
    const [first = '', ...rest] = title.split('\n');
    this.#out(`${indent}${this.paint(['red', 'bold'], visible(first))}`);
    for (const line of rest) this.#out(`${indent}${visible(line)}`);
    if (place !== '') this.#out(`${indent}at ${this.paint('bold', place)}`);
    if (frame) this.#frame(frame, indent);
    const callers = calls.slice(1);
    if (frame && (callers.length > 0 || cause)) this.#out('');
    for (const call of callers) this.#out(`${indent}${this.paint('dim', `at ${visible(call)}`)}`);
    if (!cause) return;
    this.#out(`${indent}caused by`);
    this.#describe(cause, `${indent}  `);
  }

  #frame(frame: CodeFrame, indent: string): void {
    this.#out('');
    for (const { text, isMarked } of toFrameRows(frame)) {
      this.#out(`${indent}${this.paint(isMarked ? 'red' : 'dim', visible(text))}`);
    }
  }
}

/** The code of the route did not run for this request. */
export function isFromCache({ cache }: Pick<RequestRecord, 'cache'>): boolean {
  return cache === 'hit' || cache === 'stale' || cache === 'collapsed';
}

/** The route and the file or server, e.g. `/api/[id]  cloud-functions/api/[id].js`. */
export function whatAnswered({
  route,
  answeredBy,
  isFile,
  upstream,
}: Pick<RequestRecord, 'route' | 'answeredBy' | 'isFile' | 'upstream'>): string {
  if (answeredBy === 'next-hop') return upstream === '' ? 'next hop' : `next hop  ${upstream}`;
  return [isFile || route === answeredBy ? '' : route, answeredBy].filter((part) => part !== '').join('  ');
}

/** What happened to the request before it was answered, e.g. `after middleware.js`; '' for nothing. */
export function spellWay({ filters, rewrittenTo }: Pick<RequestRecord, 'filters' | 'rewrittenTo'>): string {
  const rewritten = rewrittenTo === '' ? '' : `as ${rewrittenTo}`;
  return [filters.length > 0 ? `after ${filters.join(', ')}` : '', rewritten].filter((part) => part !== '').join('  ');
}

function spellRequest(method: string, target: string): string {
  const text = visible(`${method} ${target}`);
  return text.length > LONGEST_REQUEST ? `${text.slice(0, LONGEST_REQUEST)}…` : text.padEnd(REQUEST_WIDTH);
}

/** `3 ms`, `1.2 s`. */
export function spellMs(ms: number): string {
  if (ms < 1) return '<1 ms';
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function styleOf(status: number): Style {
  if (status >= 500) return 'red';
  if (status >= 400) return 'yellow';
  return status >= 300 ? 'cyan' : 'green';
}

/** Characters that a terminal takes as commands, and some take as line ends. */
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]/g;

/** Text of clients and of code must not control the terminal. */
function visible(text: string): string {
  return text.replace(CONTROLS, (unit) => `\\x${unit.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
