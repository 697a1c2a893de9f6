import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { hasCode } from '../contract/error-code.ts';
import { messageOf } from '../contract/error-message.ts';
import { UserError } from '../contract/user-error.ts';
import type { FinishedJob, MemoryEdge } from '../embed/test-edge.ts';
import type { Out } from './command.ts';
import { UsageError } from './usage-error.ts';

/** The arguments of `nexthop invoke`. */
export interface InvokeCall {
  readonly words: readonly string[];
  /** Files are relative to it. */
  readonly folder: string;
  readonly data?: string;
  readonly method?: string;
  readonly type?: string;
  /** Lines such as `Cookie: id=7`. */
  readonly header?: string;
  /** Prints one JSON object at the end, and nothing else to stdout. */
  readonly json?: boolean;
  readonly event?: string;
  readonly schedule?: string;
}

export interface InvokeStreams {
  readonly complain: Out;
  readonly stdout: NodeJS.WritableStream;
  readonly stdin: NodeJS.ReadableStream;
}

/** What `--json` prints. Without a request, as for a scheduled function, it has only jobs and errors. */
export interface InvokeResult {
  status?: number;
  /** By their lower-case names. */
  headers?: Readonly<Record<string, string>>;
  /** The only header whose values cannot be joined. */
  set_cookie?: readonly string[];
  body?: string;
  /** Instead of `body`, if that is no UTF-8. */
  body_base64?: string;
  jobs?: readonly FinishedJob[];
  /** What else goes to stderr. */
  readonly errors: string[];
}

export interface Calling extends InvokeStreams {
  readonly call: InvokeCall;
  readonly headers: Headers;
  readonly result: InvokeResult;
}

/** Sends the request of a call and prints the response. Resolves with the exit code. */
export async function request(
  { fetch }: MemoryEdge,
  path: string,
  { call, headers, result, complain, stdout, stdin }: Calling,
): Promise<number> {
  const body = await readData(call, stdin);
  const method = call.method?.toUpperCase() ?? (body === undefined ? 'GET' : 'POST');
  const type = call.type ?? (body === undefined ? undefined : isJson(body) ? 'application/json' : 'text/plain');
  const isTyped = call.type === undefined && headers.has('Content-Type');
  if (type !== undefined && !isTyped) headers.set('Content-Type', type);
  try {
    const response = await fetch(path, { method, headers, ...(body !== undefined && { body }) });
    if (call.json) Object.assign(result, await toResult(response));
    else {
      complain(`${response.status} ${response.statusText}`.trimEnd());
      for (const [name, value] of response.headers) complain(`${name}: ${value}`);
      if (response.body) await pipeline(Readable.fromWeb(response.body as ReadableStream), stdout, { end: false });
    }
    return response.status < 400 ? 0 : 1;
  } catch (cause) {
    if (!hasCode(cause, 'ECONNRESET')) throw cause;
    throw new UserError('the response was cut before its end, as by a server when a function fails late', { cause });
  }
}

async function toResult(response: Response): Promise<Omit<InvokeResult, 'errors'>> {
  const { status, headers } = response;
  const body = Buffer.from(await response.arrayBuffer());
  const cookies = headers.getSetCookie();
  return {
    status,
    headers: Object.fromEntries([...headers].filter(([name]) => name !== 'set-cookie')),
    ...(cookies.length > 0 && { set_cookie: cookies }),
    ...(isUtf8(body) ? { body: body.toString() } : { body_base64: body.toString('base64') }),
  };
}

/** They say where a message ends, or what becomes of its connection. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'expect', 'transfer-encoding', 'upgrade'],
]);

/** Throws a UsageError for a line that is no header. */
export function toHeaders({ header }: InvokeCall): Headers {
  const headers = new Headers();
  for (const line of header?.split('\n') ?? []) {
    const [, name = '', value = ''] = /^([^:]*):(.*)$/s.exec(line) ?? [];
    if (OF_CONNECTION.has(name.toLowerCase()))
      throw new UsageError(`--header cannot be ${name}: invoke sets it itself`);
    try {
      headers.append(name, value);
    } catch (cause) {
      // Of the Fetch standard: a name with other characters, or a value that is not of bytes.
      throw new UsageError(`--header must be a header such as 'Cookie: id=7', got ${JSON.stringify(line)}`, { cause });
    }
  }
  return headers;
}

async function readData(
  { data, folder }: InvokeCall,
  stdin: NodeJS.ReadableStream,
): Promise<Buffer<ArrayBuffer> | undefined> {
  if (data === undefined) return undefined;
  if (data === '-') return Buffer.from(await buffer(stdin));
  if (!data.startsWith('@')) return Buffer.from(data);
  const file = resolve(folder, data.slice(1));
  return readFile(file).catch((error: unknown) => {
    throw new UserError(`the file ${JSON.stringify(file)} of --data cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  });
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString());
    return true;
  } catch {
    // Any other text.
    return false;
  }
}
