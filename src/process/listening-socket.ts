import { lookup } from 'node:dns/promises';
import net, { isIP } from 'node:net';
import { getSystemErrorName } from 'node:util';

export interface SocketAddress {
  /** '': all interfaces. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** A bound TCP socket, for other processes that listen on it. */
export interface ListeningSocket {
  readonly fd: number;
  readonly port: number;
  close(): void;
}

/** What `net` has of its handles without documenting it (docs/dependencies-internals.md). */
interface Handle {
  readonly fd: number;
  getsockname(out: { port?: number }): number;
  close(): void;
}

/**
 * Binds a port without listening on it. The processes that inherit the descriptor listen and accept;
 * this process holds the socket, so that connections wait in its queue while none of them runs.
 * Rejects with the error that `server.listen` would emit, e.g. EADDRINUSE.
 */
export async function openListeningSocket({ host, port }: SocketAddress): Promise<ListeningSocket> {
  const { address, family } =
    host === '' || isIP(host) > 0 ? { address: host || null, family: isIP(host) } : await lookup(host);
  const handle = createHandle(address, port, family);
  if (typeof handle === 'number') throw toError(handle, host, port);
  const bound: { port?: number } = {};
  // libuv reports a taken port late, and here first.
  const failure = handle.getsockname(bound);
  if (failure !== 0) {
    handle.close();
    throw toError(failure, host, port);
  }
  return { fd: handle.fd, port: bound.port ?? port, close: () => handle.close() };
}

/** Returns the number of an error if it fails. */
function createHandle(address: string | null, port: number, family: number): Handle | number {
  const { _createServerHandle: create } = net as unknown as {
    readonly _createServerHandle: (address: string | null, port: number, family: number) => Handle | number;
  };
  return create(address, port, family);
}

function toError(errno: number, host: string, port: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno);
  const error = new Error(`listen ${code}: ${host || '::'}:${port}`);
  return Object.assign(error, { code, errno, syscall: 'listen' });
}
