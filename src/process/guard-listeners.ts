import { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import { type Method, replaceMethod } from './replace-method.ts';
import type { SiteGuard } from './site-guard.ts';
import { spellCall } from './spell-call.ts';

type Listener = (...given: unknown[]) => void;

/** Without Node's own listener its warnings are not printed, which sites want. */
const FREE = 'warning';

const SIGNALS: ReadonlySet<unknown> = new Set(Object.keys(constants.signals));
/** Where a listener that throws would end the process, or keep others from their turn. */
const ISOLATED: ReadonlySet<unknown> = new Set([
  ...SIGNALS,
  'uncaughtException',
  'uncaughtExceptionMonitor',
  'unhandledRejection',
]);

/** The site's code takes no listeners off the process but its own, and sends it no signals by way of them. Returns how to take each guard off. */
export function guardListeners(guard: SiteGuard): readonly (() => void)[] {
  const added = new WeakSet<object>();
  const remember = (_event: unknown, listener: object): void => {
    const caller = guard.findSiteCaller();
    if (caller && !caller.isForOwn) added.add(listener);
  };
  // One for each middleware of the process: more than ten are no leak.
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
    // A callback gets every exception in the place of the listeners, and ends the process if it throws.
    replaceMethod(process, 'setUncaughtExceptionCaptureCallback', (set) => (...given) => {
      const caller = guard.findSiteCaller();
      if (!caller) return Reflect.apply(set, process, given);
      return guard.ignore('process.setUncaughtExceptionCaptureCallback()', NO_CALLBACK, caller);
    }),
  ];
}

/** One listener of the process that fails keeps no other from its turn, and does not end the process. Returns how to take that back. */
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

const NO_CALLBACK = "has no effect: use process.on('uncaughtException', …)";
const KEEPS = 'takes off none but the listeners of the site';

function listenersOf(event: unknown): readonly Listener[] {
  return process.rawListeners(event as string) as Listener[]; // whatever it is, there are none of it or some
}

/** What `once` was given. */
function originalOf(listener: Listener): Listener {
  return 'listener' in listener && typeof listener.listener === 'function' ? (listener.listener as Listener) : listener;
}
