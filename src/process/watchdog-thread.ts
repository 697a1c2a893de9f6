import { writeFileSync, writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { appendErrorLine, writeToStderr } from './error-lines.ts';
import { makeFolder } from './make-folder.ts';
import { SharedCallsReader } from './shared-calls.ts';
import { shrinkHeapWhenIdle } from './shrink-heap.ts';
import { BEATS, type CallsInProgress, readLastCall, STOP_SIGNAL } from './stall-memory.ts';
import { ECHO_MS } from './stop-signals.ts';
import type { CallReport } from './supervisor-link.ts';
import type { Question, RouteName, StallReport, ThreadSetup } from './watchdog.ts';

/** The watchdog's own thread (watchdog.ts): it must not depend on anything of the event loop. */

const SETUP = workerData as ThreadSetup; // watchdog.ts sends it

/** Time for the loop's thread to say where it stands: native code does not answer the debugger. */
const ANSWER_MS = Math.max(1000, SETUP.stallTimeoutMs / 2);
/** Time after the longest drain until the process is ordered to end. */
const LATE_MS = 500;
/** The same from the order to end by itself: a signal has to end the process within a second of its drain. Without a signal it has ANSWER_MS. */
const SIGNAL_KILL_MS = 400;
const CRASH_MS = 50;
/** A loop that runs ends by itself first, and then at once: it needs this time for the store and the logs on a full disk. */
const RUNNING_LATE_MS = 850;

class Watchdog {
  #beat = 0;
  #checkedAtMs = performance.now();
  /** How long the loop has stood still, without time in which the whole process did not run. */
  #stoodMs = 0;
  #isReported = false;
  #signal: { readonly code: number; readonly atMs: number } | undefined;
  #session: Session | undefined;
  #isEnding = false;
  #inProgress: CallsInProgress = [];

  check(): void {
    const nowMs = performance.now();
    // A process that was stopped, or a machine that slept, is no stall.
    const passedMs = Math.min(nowMs - this.#checkedAtMs, 2 * SETUP.beatMs);
    this.#checkedAtMs = nowMs;
    const beat = Atomics.load(SETUP.shared, BEATS);
    if (beat === this.#beat) this.#stoodMs += passedMs;
    else this.#continue(beat);
    if (!this.#isReported && this.#stoodMs >= SETUP.stallTimeoutMs) this.#report();
    // The event loop of a worker notices by itself that its supervisor has ended, unless it stands still.
    if (SETUP.parentPid !== undefined && this.#standsStill && process.ppid !== SETUP.parentPid) {
      this.#end(1, 'the supervisor has ended, and the event loop stands still; the process ends');
    }
    if (this.#stoodMs >= 2 * SETUP.stallTimeoutMs) this.#end(1, 'the event loop stands still; the process ends');
    // The event loop may receive one before this thread listens.
    const signal = Atomics.load(SETUP.shared, STOP_SIGNAL);
    if (signal !== 0) this.#noteSignal(signal, nowMs);
    this.#checkSignal(nowMs);
  }

  /** At the last beat. */
  setInProgress(calls: CallsInProgress): void {
    this.#inProgress = calls;
  }

  receive(signal: number): void {
    const nowMs = performance.now();
    const isSecond = this.#signal !== undefined && nowMs - this.#signal.atMs > ECHO_MS;
    this.#noteSignal(signal, nowMs);
    if (isSecond && this.#standsStill) this.#endBySignal(128 + signal);
  }

  #noteSignal(signal: number, nowMs: number): void {
    if (this.#signal) return;
    this.#signal = { code: 128 + signal, atMs: nowMs };
    // Beats are too rare to end the process in time.
    for (const lateMs of [LATE_MS, RUNNING_LATE_MS]) setTimeout(() => this.check(), SETUP.drainMs + lateMs + 1);
  }

  get #standsStill(): boolean {
    return this.#stoodMs > 2 * SETUP.beatMs;
  }

  #continue(beat: number): void {
    if (this.#isReported) {
      write('warn', 'the event loop runs again', { stood_still_ms: Math.round(this.#stoodMs) });
    }
    this.#beat = beat;
    this.#stoodMs = 0;
    this.#isReported = false;
  }

  #checkSignal(nowMs: number): void {
    if (!this.#signal) return;
    const lateMs = nowMs - this.#signal.atMs - SETUP.drainMs;
    if (lateMs > (this.#standsStill ? LATE_MS : RUNNING_LATE_MS)) this.#endBySignal(this.#signal.code);
  }

  #endBySignal(code: number): void {
    this.#end(code, 'the process got a signal to end, and its event loop is blocked; the process ends', SIGNAL_KILL_MS);
  }

  #report(): void {
    this.#isReported = true;
    reportCalls({ stalled: true });
    const fields = { stood_still_ms: Math.round(this.#stoodMs) };
    const beat = this.#beat;
    let isWritten = false;
    this.#pause(() => {
      // Otherwise the loop continued meanwhile, and other code would be blamed.
      if (Atomics.load(SETUP.shared, BEATS) !== beat) return;
      this.#ask((report) => {
        isWritten = true;
        write('error', toMessage(report), { ...fields, ...report });
      });
    });
    setTimeout(() => {
      if (!isWritten && this.#beat === beat) {
        const last = readLastCall(SETUP.shared);
        const began = last ? `; the call that began last is one of ${last.target}` : '';
        const message = `the event loop stands still in native code, e.g. execSync: its stack follows when that returns${began}`;
        write('error', message, { ...fields, ...last, in_progress: this.#inProgress });
      }
    }, ANSWER_MS);
  }

  /** Calls `onPaused` on top of the code that runs in the main thread. That code then continues. */
  #pause(onPaused: () => void): void {
    const session = this.#connect();
    session.once('Debugger.paused', () => {
      onPaused();
      session.post('Debugger.resume');
      session.post('Debugger.disable', () => this.#disconnect());
    });
    session.post('Debugger.enable');
    session.post('Debugger.pause');
  }

  #ask(receive: (report: StallReport) => void): void {
    this.#evaluate({}, (question) => {
      if (question?.report) receive(question.report);
    });
  }

  #end(code: number, message: string, killMs = ANSWER_MS): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    write('error', message, { exit_code: code });
    if (SETUP.errorLog !== '' && !SETUP.isCopied) writeToStderr(`nexthop: ${message}; error.log says where\n`);
    setTimeout(() => {
      process.kill(process.pid, 'SIGKILL');
      // Still here: the first process of a container ignores even that from itself (pid_namespaces(7)),
      // but no fault by itself.
      setTimeout(causeSegfault, CRASH_MS);
    }, killMs);
    this.#evaluate({ exitCode: code }, () => {});
    // Node waits for debuggers to disconnect, and says so on stderr.
    this.#disconnect();
  }

  #evaluate(question: Question, receive: (question: Question | undefined) => void): void {
    const expression = `(() => {
      const question = ${JSON.stringify(question)};
      process.getBuiltinModule('node:diagnostics_channel').channel(${JSON.stringify(SETUP.channelName)}).publish(question);
      return question;
    })()`;
    this.#connect().post('Runtime.evaluate', { expression, returnByValue: true }, (_, answer) =>
      receive(answer?.result.value),
    );
  }

  #connect(): Session {
    if (!this.#session) {
      this.#session = new Session();
      this.#session.connectToMainThread();
    }
    return this.#session;
  }

  #disconnect(): void {
    this.#session?.disconnect();
    this.#session = undefined;
  }
}

function toMessage({ file, line, column, target }: StallReport): string {
  if (file !== undefined) return `the event loop stands still in ${file}:${line}:${column}`;
  return `the event loop stands still${target === undefined ? '' : ` in a call of ${target}`}`;
}

function write(level: 'warn' | 'error', message: string, fields: object): void {
  appendErrorLine(SETUP, { level, message, ...fields });
}

interface SignalWatch {
  onsignal: () => void;
  start(signal: number): number;
  unref(): void;
}

/** Node's own modules in C++, by their name. */
function readBinding(name: string) {
  return createRequire(import.meta.url)('internal/test/binding').internalBinding(name);
}

function causeSegfault(): void {
  readBinding('process_methods').causeSegfault();
}

/** Node has `process.on('SIGTERM')` only in the main thread; what it is made of works in any. */
function watchSignals(receive: (signal: number) => void): void {
  const { Signal }: { readonly Signal: new () => SignalWatch } = readBinding('signal_wrap');
  for (const signal of [constants.signals.SIGTERM, constants.signals.SIGINT]) {
    const watch = new Signal();
    watch.unref();
    watch.onsignal = () => receive(signal);
    watch.start(signal);
  }
}

/** A function that takes all memory needs longer than two checks for it. */
const CALLS_EACH_MS = 20;
const CALLS_IDLE_MS = 1000;

/** Reports calls that last, while there are any calls. */
function watchCalls(): void {
  const reader = new SharedCallsReader(SETUP.calls, (lasting) => reportCalls({ lasting }));
  parentPort?.on('message', (message: CallsInProgress | RouteName) => {
    if ('number' in message) reader.name(message.number, message.key);
    else watchdog.setInProgress(message);
  });
  const check = (): void => {
    reader.check();
    const nextCall = reader.waitForCall(CALLS_IDLE_MS);
    if (nextCall) void nextCall.then(check);
    else setTimeout(check, CALLS_EACH_MS);
  };
  check();
}

function reportCalls(report: CallReport): void {
  const { reportTo } = SETUP;
  try {
    if ('fd' in reportTo) writeSync(reportTo.fd, `${JSON.stringify(report)}\n`);
    else if ('lasting' in report) keep(reportTo.file, report.lasting);
  } catch {
    // The supervisor has ended, or DATA_DIR is full or read-only: then no route is blamed.
  }
}

/** While the site is loaded for the first time, nothing else has created the folder. */
function keep(file: string, lasting: readonly string[]): void {
  if (lasting.length > 0) {
    makeFolder(dirname(dirname(file)));
    makeFolder(dirname(file), 0o700);
  }
  writeFileSync(file, JSON.stringify(lasting));
}

const watchdog = new Watchdog();
setInterval(() => watchdog.check(), SETUP.beatMs);
watchCalls();
shrinkHeapWhenIdle();
try {
  watchSignals((signal) => watchdog.receive(signal));
} catch (error) {
  write('warn', 'a signal does not end this process while its event loop stands still', { error: String(error) });
}
parentPort?.postMessage('ready');
