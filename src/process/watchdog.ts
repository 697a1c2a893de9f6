import { randomUUID } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { url as inspectorUrl } from 'node:inspector';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../contract/error-message.ts';
import { Caller, isOfGuard } from './caller.ts';
import { appendErrorLine } from './error-lines.ts';
import { toRealPath } from './real-path.ts';
import { CALL_BEGINS, currentCall, runningCalls, SHARED_CALLS, type SiteCall } from './site-calls.ts';
import {
  BEATS,
  type CallFacts,
  type CallsInProgress,
  createStallMemory,
  LAST_CALL_LENGTH,
  STOP_SIGNAL,
  type StallMemory,
  toLastCallText,
} from './stall-memory.ts';

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
  readonly shared: StallMemory;
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
  readonly job?: string;
  /** All calls of code of the site that have not ended, at most MOST_CALLS. */
  readonly in_progress: CallsInProgress;
}

export interface Watchdog {
  /** Resolves when the thread watches, also for signals. An earlier signal is lost if the event loop stands still. Never rejects. */
  readonly ready: Promise<void>;
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
 * loop stands still. Returns undefined if nothing watches; it logs a thread that cannot run.
 *
 * Only for a process that belongs to nexthop. Under a debugger a loop stands still on purpose.
 */
export function startWatchdog({ site, end, ...setup }: WatchdogOptions): Watchdog | undefined {
  if (setup.stallTimeoutMs === 0 || inspectorUrl() !== undefined) return undefined;
  const root = toRealPath(site);
  const shared = createStallMemory();
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
  const calls = SHARED_CALLS.share((number, key) => thread?.postMessage({ number, key } satisfies RouteName));
  const thread = startThread({ ...setup, shared, calls, beatMs, channelName });
  if (!thread) {
    questions.unsubscribe(answer);
    return undefined;
  }
  // It keeps the process alive until then, since nothing else may do so while the start waits for it.
  const ready = new Promise<void>((resolve) => {
    thread.once('message', resolve);
    thread.once('exit', resolve);
  }).then(() => void thread.unref());
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
    ready,
    stopBy: (signal) => void Atomics.compareExchange(shared, STOP_SIGNAL, 0, signal),
    stop: () => {
      clearInterval(beat);
      unsubscribe();
      questions.unsubscribe(answer);
      void thread.terminate();
    },
  };
}

/** Logs that the watchdog does not run if the thread cannot start or ends by an error: the server works without it. */
function startThread(setup: ThreadSetup): Worker | undefined {
  const report = (error: unknown): void =>
    appendErrorLine(setup, { level: 'error', message: `${NO_WATCHDOG}: ${messageOf(error)}` });
  try {
    const thread = new Worker(new URL(`watchdog-thread${import.meta.url.slice(-3)}`, import.meta.url), {
      name: 'nexthop watchdog',
      workerData: setup,
      // The first is for listening to signals in a thread; its warning is for other users.
      execArgv: ['--expose-internals', '--no-warnings'],
      // Most of its memory is one event for each script of the process, while the loop stands still.
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 },
    });
    return thread.once('error', report);
  } catch (error) {
    // The user of the process may start no more threads (RLIMIT_NPROC, or the limit of the container).
    report(error);
    return undefined;
  }
}

const NO_WATCHDOG =
  'the watchdog cannot run, so nothing reports or ends an event loop that stands still, and a signal waits for it';

/** Writes each call that begins to the shared memory. What is the same as for the call before is not written again. */
function noteLastCall(shared: StallMemory): () => void {
  const text = toLastCallText(shared);
  let [lastCode, lastRoute, codeLength] = ['', '', 0];
  const note = (message: unknown): void => {
    const { calledCode, route = '', requestId, jobId = '' } = message as SiteCall; // what is published there
    if (calledCode !== lastCode || route !== lastRoute || codeLength === 0) {
      [lastCode, lastRoute] = [calledCode, route];
      codeLength = text.write(`${calledCode}\n${route}\n`);
    }
    const id = requestId?.value ?? '';
    let at = codeLength;
    // Ids are ASCII. Node writes a text that was cut out of another one, as most ids are, by a slow call.
    for (let next = 0; next < id.length && at < text.length; next++) text[at++] = id.charCodeAt(next);
    shared[LAST_CALL_LENGTH] = jobId === '' ? at : at + text.write(`\n${jobId}`, at);
  };
  CALL_BEGINS.subscribe(note);
  return () => void CALL_BEGINS.unsubscribe(note);
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

function describe({ calledCode, route, requestId, jobId }: SiteCall): CallFacts {
  return {
    target: calledCode,
    ...(route && { route }),
    ...(requestId && { request_id: requestId.value }),
    ...(jobId && { job: jobId }),
  };
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
