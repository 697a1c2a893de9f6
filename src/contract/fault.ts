export type FaultOrigin = 'client' | 'function' | 'hop' | 'edge';

/** Every way in which a request can fail: its status and the origin of the fault. */
const FAULTS = {
  bad_path: { status: 400, origin: 'client' },
  bad_request: { status: 400, origin: 'client' },
  bad_body: { status: 400, origin: 'client' },
  login_required: { status: 401, origin: 'client' },
  request_timeout: { status: 408, origin: 'client' },
  body_too_large: { status: 413, origin: 'client' },
  expectation_failed: { status: 417, origin: 'client' },
  rate_limited: { status: 429, origin: 'client' },
  headers_too_large: { status: 431, origin: 'client' },
  client_left: { status: 499, origin: 'client' },
  not_found: { status: 404, origin: 'client' },
  method_refused: { status: 405, origin: 'client' },
  coding_unknown: { status: 501, origin: 'client' },
  version_unsupported: { status: 505, origin: 'client' },
  function_error: { status: 500, origin: 'function' },
  function_bad_answer: { status: 500, origin: 'function' },
  function_timeout: { status: 504, origin: 'function' },
  hop_unreachable: { status: 502, origin: 'hop' },
  hop_reset: { status: 502, origin: 'hop' },
  hop_bad_answer: { status: 502, origin: 'hop' },
  hop_timeout: { status: 504, origin: 'hop' },
  hop_busy: { status: 503, origin: 'edge' },
  loop_detected: { status: 508, origin: 'hop' },
  images_busy: { status: 503, origin: 'edge' },
  store_unavailable: { status: 503, origin: 'edge' },
  route_stopped: { status: 503, origin: 'function' },
  draining: { status: 503, origin: 'edge' },
  internal: { status: 500, origin: 'edge' },
} as const satisfies Record<string, { status: number; origin: FaultOrigin }>;

export type FaultCode = keyof typeof FAULTS;

export interface FaultDetails {
  /** For the log: what failed. Never sent to the client. */
  readonly message?: string;
  /** Sent to the client with status and code, e.g. where its request body is wrong. */
  readonly clientMessage?: string;
  readonly cause?: unknown;
  /** A dialect may use another status than the table. */
  readonly status?: number;
  /** Headers of the response, e.g. Retry-After or Allow. Flat: name, value, name, value. */
  readonly headers?: readonly string[];
  /** Sent to the client instead of nexthop's own page. */
  readonly page?: FaultPage | undefined;
}

export interface FaultPage {
  readonly contentType: string;
  readonly body: string;
}

/** The failure of one request, and its origin. Any room throws it; `handler.ts` catches it, once. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly status: number;
  readonly origin: FaultOrigin;
  readonly headers: readonly string[];
  readonly clientMessage: string | undefined;
  readonly page: FaultPage | undefined;

  constructor(code: FaultCode, details: FaultDetails = {}) {
    // Own members only: code of a site may have added others to Object.prototype.
    const own: FaultDetails = Object.assign(Object.create(null), details);
    const { message, clientMessage, cause, status, headers = [], page } = own;
    super(message ?? code, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = status ?? FAULTS[code].status;
    this.origin = FAULTS[code].origin;
    this.headers = headers;
    this.clientMessage = clientMessage;
    this.page = page;
  }
}

/** Converts a caught value to a Fault. A value that is not a Fault is a defect of nexthop: `internal`. */
export function toFault(error: unknown): Fault {
  return error instanceof Fault ? error : new Fault('internal', { cause: error });
}

/** What a function threw, if the value is the Fault of a function; else the value itself. */
export function thrownBy(error: unknown): unknown {
  return error instanceof Fault && error.origin === 'function' && error.cause !== undefined ? error.cause : error;
}
