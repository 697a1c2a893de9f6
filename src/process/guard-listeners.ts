import { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { holdListener } from './hold-resources.ts';
import { type Method, replaceMethod } from './replace-method.ts';
import type { SiteGuard } from './site-guard.ts';
import { spellCall } from './spell-call.ts';

type Listener = (...given: unknown[]) => void;

/** A site may remove Node's own listener of this event, so that Node prints no warnings. */
const FREE = 'warning';

const SIGNALS: ReadonlySet<unknown> = new Set(Object.keys(constants.signals));
/**
 * Events for which an exception in a listener must neither end the process nor skip other
 * listeners.
 */
const ISOLATED: ReadonlySet<unknown> = new Set([
  ...SIGNALS,
  'uncaughtException',
  'uncaughtExceptionMonitor',
  'unhandledRejection',
]);

/**
 * Code of the site can remove only its own listeners from the process. Returns functions that
 * remove the guards.
 */
export function guardListeners(guard: SiteGuard): readonly (() => void)[] {
  const added = new WeakSet<object>();
  const remember = (_event: unknown, listener: object): void => {
    const caller = guard.findSiteCaller();
    if (!caller || caller.isForOwn) return;
    added.add(listener);
    holdListener(listener);
  };
  // One listener for each middleware in the process. Node would report more than ten as a leak.
  raiseMaxListeners(1);
  process.on('newListener', remember);

  const removeOne =
    (remove: Method): Method =>
    (...given) => {
      const [event, listener] = given;
      const caller = event === FREE || added.has(Object(listener)) ? undefined : guard.findSiteCaller();
      const isThere = caller && listenersOf(event).some((each) => originalOf(each) === listener);
      if (!caller || !isThere) return Reflect.apply(remove, process, given);
      guard.ignore(spellCall('process.removeListener', [event]), KEEPS, caller);
      return process;
    };

  const removeAll =
    (remove: Method): Method =>
    (...given) => {
      const caller = given[0] === FREE ? undefined : guard.findSiteCaller();
      if (!caller) return Reflect.apply(remove, process, given);
      const events = given.length === 0 ? process.eventNames() : [given[0]];
      const all = events.flatMap((event) => listenersOf(event).map((each) => ({ event, listener: originalOf(each) })));
      const removable = all.filter(({ listener }) => added.has(listener));
      for (const { event, listener } of removable) {
        EventEmitter.prototype.removeListener.call(process, event as string, listener);
      }
      if (removable.length < all.length) guard.ignore(spellCall('process.removeAllListeners', given), KEEPS, caller);
      return process;
    };

  return [
    () => {
      process.off('newListener', remember);
      raiseMaxListeners(-1);
    },
    replaceMethod(process, 'removeListener', removeOne),
    replaceMethod(process, 'off', removeOne),
    replaceMethod(process, 'removeAllListeners', removeAll),
    replaceMethod(process, 'setMaxListeners', (set) => (...given) => {
      const caller = isLower(given[0]) ? guard.findSiteCaller() : undefined;
      if (!caller) return Reflect.apply(set, process, given);
      guard.ignore(spellCall('process.setMaxListeners', given), FEWER, caller);
      return process;
    }),
    // The callback would get every exception instead of the listeners, and end the process if it
    // throws.
    replaceMethod(process, 'setUncaughtExceptionCaptureCallback', (set) => (...given) => {
      const caller = guard.findSiteCaller();
      if (!caller) return Reflect.apply(set, process, given);
      return guard.ignore('process.setUncaughtExceptionCaptureCallback()', NO_CALLBACK, caller);
    }),
  ];
}

/**
 * An exception in a listener of the process ends neither the process nor the calls of the other
 * listeners. Code of the site that emits a signal event ends its call instead. Returns a function
 * that restores `process.emit`.
 */
export function isolateListeners(guard: SiteGuard): () => void {
  return replaceMethod(process, 'emit', (emit) => (...given) => {
    const [event, ...rest] = given;
    if (!ISOLATED.has(event)) return Reflect.apply(emit, process, given);
    const caller = SIGNALS.has(event) ? guard.findSiteCaller() : undefined;
    if (caller) {
      guard.endCall(spellCall('process.emit', [event]), caller);
      return true;
    }
    const listeners = process.rawListeners(event as string); // see ISOLATED
    for (const listener of listeners) {
      try {
        Reflect.apply(listener, process, rest);
      } catch (error) {
        guard.reportThrown(String(event), error);
      }
    }
    return listeners.length > 0;
  });
}

function raiseMaxListeners(by: number): void {
  const most = process.getMaxListeners();
  // 0 means that there is no limit.
  if (most > 0) process.setMaxListeners(most + by);
}

/** 0 means that there is no limit. Node refuses everything but numbers. */
function isLower(limit: unknown): boolean {
  return typeof limit === 'number' && limit > 0 && limit < (process.getMaxListeners() || Infinity);
}

const FEWER = 'has no effect: nexthop has its own listeners; set it on your own emitters, or to more';
const NO_CALLBACK = "has no effect: use process.on('uncaughtException', …)";
const KEEPS = 'removes only listeners of the site';

function listenersOf(event: unknown): readonly Listener[] {
  return process.rawListeners(event as string) as Listener[]; // an unknown event has no listeners
}

/** The listener that was passed to `once`, for the wrapper that Node adds. */
function originalOf(listener: Listener): Listener {
  return 'listener' in listener && typeof listener.listener === 'function' ? (listener.listener as Listener) : listener;
}
