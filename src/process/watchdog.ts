import { randomUUID } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { url as inspectorUrl } from 'node:inspector';
import { Worker } from 'node:worker_threads';
import { Caller, isOfGuard } from './caller.ts';
import { toRealPath } from './real-path.ts';
import { CALL_BEGINS, currentCall, runningCalls, SHARED_CALLS, type SiteCall } from './site-calls.ts';

export interface WatchdogOptions {
  /** Time for which the event loop may stand still; 0: no watchdog. */
  readonly stallTimeoutMs: number;
  /** The longest drain after a signal. */
  readonly drainMs: number;
  /** Path of error.log; '': its lines go to stderr. */
  readonly errorLog: string;
  /** Copies the lines of error.log to stderr. */
  readonly isCopied: boolean;
  /** Absolute path of the site: its files are named relative to it. */
  readonly site: string;
  /** Id of the supervisor: this process ends with it. Undefined: it has none. */
  readonly parentPid: number | undefined;
  /** Gets the calls in progress, so that they are known after the death of the process. */
  readonly reportTo: CallReportTarget;
  /** Writes what the logs still hold, and ends the process. */
  readonly end: (code: number) => never;
}

/** An open descriptor for lines, or a file that has the last line. */
export type CallReportTarget = { readonly fd: number } | { readonly file: string };

/** To the thread: the number of a route in `calls`. */
export interface RouteName {
  readonly number: number;
  readonly key: string;
}

/** What the thread needs of the options. */
export interface ThreadSetup extends Omit<WatchdogOptions, 'site' | 'end'> {
  /** BEATS counts up while the event loop runs; STOP_SIGNAL is the first signal that it received. */
  readonly shared: Int32Array<SharedArrayBuffer>;
  /** The memory of a SharedCalls. */
  readonly calls: Int32Array<SharedArrayBuffer>;
  /** Time between two beats. */
  readonly beatMs: number;
  /** Name of the channel on which this thread answers questions of the watchdog. */
  readonly channelName: string;
}

/** A message on the channel: a request for a report, which is put into it, or for the end. */
export interface Question {
  report?: StallReport;
  readonly exitCode?: number;
}

/** What the event loop is doing, as fields of a log line. */
export interface StallReport {
  /** Where the loop stands, in code of the site. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly stack: string;
  /** Of the call whose code runs. */
  readonly target?: string;
  readonly route?: string;
  readonly request_id?: string;
  /** All calls of code of the site that have not ended, at most MOST_CALLS. */
  readonly in_progress: CallsInProgress;
}

/** `target`, `route` and `request_id` of a call. */
type CallFacts = Readonly<Record<string, string>>;
export type CallsInProgress = readonly CallFacts[];

/** What the members of `shared` mean. */
export const BEATS = 0;
export const STOP_SIGNAL = 1;
/** Length of the text at LAST_CALL_AT, in bytes. */
const LAST_CALL_LENGTH = 2;
const LAST_CALL_AT = 12;
const LAST_CALL_BYTES = 1012;

export interface Watchdog {
  /** A signal (its number) has begun a drain: the process ends by it, whatever happens. */
  stopBy(signal: number): void;
  stop(): void;
}

const SLOWEST_BEAT_MS = 500;
const BEATS_PER_TIMEOUT = 8;
const MOST_CALLS = 100;
const MOST_FRAMES = 50;

/**
 * Starts a thread that notices when the event loop of this thread stands still: it reports in
 * error.log where, and ends the process after twice `stallTimeoutMs`. It also ends a process that
 * still runs a second after the longest drain, since listeners for signals do not run while the
 * loop stands still. Returns undefined if nothing watches.
 *
 * Only for a process that belongs to nexthop. Under a debugger a loop stands still on purpose.
 */
export function startWatchdog({ site, end, ...setup }: WatchdogOptions): Watchdog | undefined {
  if (setup.stallTimeoutMs === 0 || inspectorUrl() !== undefined) return undefined;
  const root = toRealPath(site);
  const shared = new Int32Array(new SharedArrayBuffer(LAST_CALL_AT + LAST_CALL_BYTES));
  const beatMs = Math.max(1, Math.min(SLOWEST_BEAT_MS, setup.stallTimeoutMs / BEATS_PER_TIMEOUT));
  // The thread reaches this one by the debugger, which evaluates text: a channel is the only thing
  // of this module that text can name. No code of the site can guess the name.
  const channelName = `nexthop:watchdog:${randomUUID()}`;
  const questions = channel(channelName);
  const answer = (message: unknown): void => {
    const question = message as Question; // only the thread has the name
    if (question.exitCode !== undefined) end(question.exitCode);
    question.report = createReport(root);
  };
  questions.subscribe(answer);
  const calls = SHARED_CALLS.share((number, key) => thread.postMessage({ number, key } satisfies RouteName));
  const thread = new Worker(new URL(`watchdog-thread${import.meta.url.slice(-3)}`, import.meta.url), {
    name: 'nexthop watchdog',
    workerData: { ...setup, shared, calls, beatMs, channelName } satisfies ThreadSetup,
    // The first is for listening to signals in a thread; its warning is for other users.
    execArgv: ['--expose-internals', '--no-warnings'],
    // Most of its memory is one event for each script of the process, while the loop stands still.
    resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 },
  });
  thread.unref();
  const unsubscribe = noteLastCall(shared);
  let wereCalls = false;
  const beat = setInterval(() => {
    Atomics.add(shared, BEATS, 1);
    // For a report while native code runs: nothing of this thread can be read then.
    const calls = describeRunning();
    if (calls.length === 0) shared[LAST_CALL_LENGTH] = 0;
    if (calls.length > 0 || wereCalls) thread.postMessage(calls satisfies CallsInProgress);
    wereCalls = calls.length > 0;
  }, beatMs).unref();
  return {
    stopBy: (signal) => void Atomics.compareExchange(shared, STOP_SIGNAL, 0, signal),
    stop: () => {
      clearInterval(beat);
      unsubscribe();
      questions.unsubscribe(answer);
      void thread.terminate();
    },
  };
}

/** Writes each call that begins to the shared memory. A third of a µs for each call. */
function noteLastCall(shared: Int32Array<SharedArrayBuffer>): () => void {
  const text = Buffer.from(shared.buffer, LAST_CALL_AT);
  const note = (message: unknown): void => {
    const { calledCode, route = '', requestId } = message as SiteCall; // what is published there
    shared[LAST_CALL_LENGTH] = text.write(`${calledCode}\n${route}\n${requestId?.value ?? ''}`);
  };
  CALL_BEGINS.subscribe(note);
  return () => void CALL_BEGINS.unsubscribe(note);
}

/** The call that began last, if any is in progress. */
export function readLastCall(shared: Int32Array<SharedArrayBuffer>): CallFacts | undefined {
  const length = shared[LAST_CALL_LENGTH] ?? 0;
  if (length === 0) return undefined;
  const [target = '', route = '', id = ''] = Buffer.from(shared.buffer, LAST_CALL_AT, length).toString().split('\n');
  return { target, ...(route !== '' && { route }), ...(id !== '' && { request_id: id }) };
}

/** Runs on top of the code that keeps the loop from continuing. */
function createReport(site: string): StallReport {
  const running = currentCall();
  return {
    ...new Caller().locationIn(site),
    stack: readStack(),
    ...(running && describe(running)),
    in_progress: describeRunning(),
  };
}

/** A request may have several calls of the same code: one for its client, and one whose response the cache keeps. */
function describeRunning(): CallsInProgress {
  const calls = new Map<string, CallFacts>();
  for (const call of runningCalls()) {
    const facts = describe(call);
    calls.set(Object.values(facts).join('\n'), facts);
    if (calls.size === MOST_CALLS) break;
  }
  return [...calls.values()];
}

function describe({ calledCode, route, requestId }: SiteCall): CallFacts {
  return { target: calledCode, ...(route && { route }), ...(requestId && { request_id: requestId.value }) };
}

/** Without the frames of this question: the debugger's text, the channel, this file. */
function readStack(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = MOST_FRAMES;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = limit;
  const frames = stack.split('\n').slice(1);
  const first = frames.findIndex((line) => !isOfGuard(line) && !OF_QUESTION.test(line));
  return first < 0 ? '' : frames.slice(first).join('\n');
}

const OF_QUESTION = /node:diagnostics_channel|at <anonymous>:\d+:\d+$/;
