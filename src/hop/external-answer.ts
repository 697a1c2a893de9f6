import type { Dispatcher } from 'undici';
import { Fault, type FaultCode } from '../contract/fault.ts';

/** undici gives the headers of HTTP/1.1 as a flat list of bytes. */
export function toFlat(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  return Array.isArray(raw) ? raw.map((each) => (typeof each === 'string' ? each : each.toString('latin1'))) : [];
}

const CODES: Readonly<Record<string, FaultCode>> = {
  UND_ERR_CONNECT_TIMEOUT: 'hop_timeout',
  UND_ERR_HEADERS_TIMEOUT: 'hop_timeout',
  UND_ERR_BODY_TIMEOUT: 'hop_timeout',
  UND_ERR_SOCKET: 'hop_reset',
  ECONNRESET: 'hop_reset',
  EPIPE: 'hop_reset',
};

/** All that undici and the sockets fail with, or the Fault of the client's body. */
export function toOriginFault(error: Error, origin: string): Fault {
  if (error instanceof Fault) return error;
  const code = String((error as NodeJS.ErrnoException).code);
  const found = code.startsWith('HPE_') ? 'hop_bad_answer' : (CODES[code] ?? 'hop_unreachable');
  return new Fault(found, { message: `${origin} did not answer: ${error.message}`, cause: error });
}
