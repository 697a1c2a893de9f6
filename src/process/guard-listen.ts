import { isIP, Server } from 'node:net';
import { holdServer } from './hold-resources.ts';
import { type Method, replaceMethod } from './replace-method.ts';
import type { SiteGuard } from './site-guard.ts';
import { spellCall } from './spell-call.ts';

const NO_LISTEN = 'opens no port: nexthop serves this site itself; remove the call or keep it for local development';
const NO_INSPECTOR = 'opens no port: nexthop listens on PORT alone';

/**
 * `address()` of a server that listens on any free port: the first of those that no service is
 * assigned (RFC 6335, section 6).
 */
const ANY_PORT = 49_152;

/**
 * Code of the site opens no port by `net`, `http`, `https`, `http2` or `tls`. Its servers behave as
 * if they listened, but get no connections. Returns how to take each guard off.
 */
export function guardListen(guard: SiteGuard): readonly (() => void)[] {
  const listening = replaceMethod(Server.prototype, 'listen', (listen) => {
    return function (this: unknown, ...given) {
      const caller = guard.findSiteCaller({ neverByNode: true });
      if (!caller) return Reflect.apply(listen, this, given);
      // aws-serverless-express sends each event to an app through a socket file.
      if (isSocketFile(toOptions(given))) {
        holdServer(this as Server); // a method of servers
        return Reflect.apply(listen, this, given);
      }
      guard.ignoreInFile(spellCall('listen', given), NO_LISTEN, caller);
      return listenToNothing(this as ListeningServer, listen, given); // a method of servers
    };
  });
  return [listening, ...guardInspector(guard)];
}

function guardInspector(guard: SiteGuard): readonly (() => void)[] {
  // Node can be built without it; importing it throws then.
  if (!process.features.inspector) return [];
  const modules = [process.getBuiltinModule('node:inspector'), process.getBuiltinModule('node:inspector/promises')];
  return modules.map((inspector) =>
    replaceMethod(inspector, 'open', (open) => (...given) => {
      const caller = guard.findSiteCaller({ neverByNode: true });
      if (!caller) return Reflect.apply(open, inspector, given);
      guard.ignoreInFile(spellCall('inspector.open', given), NO_INSPECTOR, caller);
      return { [Symbol.dispose]: () => {} };
    }),
  );
}

/** A server with the members that Node does not document (docs/dependencies-internals.md). */
interface ListeningServer extends Server {
  /** The handle that listens; null or undefined: none. */
  _handle: { close(): void } | null | undefined;
  /**
   * The last step of `listen`: makes the handle, binds it, and emits 'listening' or 'error' later.
   */
  _listen2(path: string | null, port: number | null): void;
}

/**
 * Runs Node's own `listen`, which checks its arguments, adds the callback and takes the abort
 * signal, with a last step that opens nothing.
 */
function listenToNothing(server: ListeningServer, listen: Method, given: readonly unknown[]): unknown {
  const options = toOptions(given);
  server._listen2 = (_path, port) => {
    // `listen(handle)`: the handle may be bound to a port.
    server._handle?.close();
    server._handle = new IdleHandle(toSocketName(options.host, port));
    process.nextTick(() => {
      if (server._handle) server.emit('listening');
    });
  };
  try {
    return Reflect.apply(listen, server, [
      toSynchronous(options),
      given.findLast((each) => typeof each === 'function'),
    ]);
  } finally {
    Reflect.deleteProperty(server, '_listen2');
  }
}

type Options = Readonly<Record<string, unknown>>;

/** Node's forms: (options), (handle), (path), (port, host); without a port it takes any. */
function toOptions([first, second]: readonly unknown[]): Options {
  if (typeof first === 'object' && first !== null) return first as Options; // any object is one
  if (first === undefined || first === null || typeof first === 'function') return { port: 0 };
  if (typeof first === 'string' && !(Number(first) >= 0)) return { path: first };
  return { port: first, ...(typeof second === 'string' && { host: second }) };
}

/** Node prefers the port if there are both. */
function isSocketFile({ path, port, handle, _handle, fd }: Options): boolean {
  return typeof path === 'string' && [port, handle, _handle, fd].every((each) => each === undefined || each === null);
}

/**
 * The same options, changed so that `listen` reaches its last step before it returns: without a
 * look-up of the host, without the primary process of a cluster, and without a file descriptor.
 */
function toSynchronous(options: Options): Options {
  if (options._handle || options.handle) return options;
  const changes = { exclusive: true, host: undefined, ...(options.fd !== undefined && { fd: undefined, port: 0 }) };
  // The options may be an object with getters, or frozen.
  return Object.create(options, Object.getOwnPropertyDescriptors(changes));
}

interface SocketName {
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6';
  readonly port: number;
}

/** A name is not looked up. `port` is null for a file descriptor, and less than 0 for a handle. */
function toSocketName(host: unknown, port: number | null): SocketName {
  const address = typeof host !== 'string' || host === '' ? '::' : isIP(host) === 0 ? '127.0.0.1' : host;
  return { address, family: isIP(address) === 6 ? 'IPv6' : 'IPv4', port: port === null || port <= 0 ? ANY_PORT : port };
}

/**
 * What `net.Server` calls on its handle. It has no resource of the operating system, so it does not
 * keep the process alive.
 */
class IdleHandle {
  readonly #name: SocketName;

  constructor(name: SocketName) {
    this.#name = name;
  }

  getsockname(out: object): number {
    Object.assign(out, this.#name);
    return 0;
  }

  close(): void {}

  ref(): void {}

  unref(): void {}
}
