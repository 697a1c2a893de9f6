import { type Server, Socket } from 'node:net';
import type { SiteCode } from '../contract/site-code.ts';
import { replaceMethod } from './replace-method.ts';
import { currentCode } from './site-calls.ts';
import type { SiteGuard } from './site-guard.ts';

/** Listeners of the process that code of a site has added. */
const ADDED = new WeakMap<object, SiteCode>();
const WITH_LISTENERS = new WeakSet<SiteCode>();

/**
 * Connections that code of a site opens end with that code. Returns a function that removes this.
 */
export function holdSockets(guard: SiteGuard): () => void {
  return replaceMethod(Socket.prototype, 'connect', (connect) => {
    return function (this: unknown, ...given) {
      const code = currentCode();
      const caller = code && guard.findSiteCaller();
      // `fetch` has connections that all code of the process shares.
      if (code && caller && !caller.isForOwn && !caller.isFetch) holdSocket(this as Socket, code); // a method of sockets
      return Reflect.apply(connect, this, given);
    };
  });
}

function holdSocket(socket: Socket, code: SiteCode): void {
  const release = code.hold(() => {
    if (!isShared(socket)) socket.destroy();
  });
  socket.once('close', release);
}

/** A server that listens ends with the code of the site that made it. */
export function holdServer(server: Server): void {
  const release = currentCode()?.hold(() => server.close());
  if (release) server.once('close', release);
}

/** Whether newer code may use it, too. */
function isShared(socket: Socket): boolean {
  // Not imported: most sites load neither.
  const modules = [process.getBuiltinModule('node:http'), process.getBuiltinModule('node:https')];
  return modules.some(({ globalAgent: agent }) =>
    [agent.sockets, agent.freeSockets].some((lists) => Object.values(lists).some((list) => list?.includes(socket))),
  );
}

/** A listener of the process ends with the code of the site that added it. */
export function holdListener(listener: object): void {
  const code = currentCode();
  if (!code) return;
  ADDED.set(listener, code);
  if (WITH_LISTENERS.has(code)) return;
  WITH_LISTENERS.add(code);
  code.hold(() => removeListeners(code));
}

function removeListeners(code: SiteCode): void {
  for (const event of process.eventNames()) {
    // `once` wraps its listener.
    for (const listener of process.rawListeners(event)) {
      const original = 'listener' in listener ? (listener.listener as object) : listener;
      if (ADDED.get(original) === code) process.off(event, original as () => void);
    }
  }
}
