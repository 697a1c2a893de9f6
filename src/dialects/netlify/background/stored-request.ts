import { Fault } from '../../../contract/fault.ts';
import type { Params } from '../../../contract/target.ts';

/** The parts of a request that a job stores, to call the function after the client has gone. */
export interface StoredRequest {
  readonly method: string;
  /** Absolute public URL, raw. */
  readonly url: string;
  /** Alternating names and values as received, without the trust headers of untrusted peers. */
  readonly rawHeaders: readonly string[];
  /** '' if unknown. */
  readonly clientAddress: string;
  readonly trusted: boolean;
  readonly requestId: string;
  readonly params: Params;
  readonly route: string | undefined;
  readonly body: Buffer;
}

export interface PlatformRequestParts {
  readonly functionName: string;
  /** `URL` of the site; if undefined, the request is for http://localhost. */
  readonly siteUrl: string | undefined;
  readonly requestId: string;
  /** Besides those of the body. */
  readonly headers: readonly string[];
  /** JSON. */
  readonly body: Buffer;
}

/** A request of the platform itself. */
export function toPlatformRequest(parts: PlatformRequestParts): StoredRequest {
  const { functionName, siteUrl, requestId, headers, body } = parts;
  const origin = toOrigin(siteUrl);
  return {
    method: 'POST',
    url: `${origin}/.netlify/functions/${functionName}`,
    rawHeaders: [
      ...['host', new URL(origin).host, 'content-type', 'application/json', 'content-length', String(body.length)],
      ...headers,
    ],
    clientAddress: '',
    trusted: true,
    requestId,
    params: {},
    route: undefined,
    body,
  };
}

function toOrigin(siteUrl: string | undefined): string {
  const url = siteUrl === undefined ? null : URL.parse(siteUrl);
  return url && (url.protocol === 'https:' || url.protocol === 'http:') ? url.origin : 'http://localhost';
}

/** Increased whenever an older process would misread the new format. */
const VERSION = 1;

/** The key of the headers in version 1. Existing stores hold jobs with this key. */
const STORED_HEADERS = 'rawFields';

const LINE_FEED = 0x0a;

/** One line of JSON, then the body as received. `head -1` shows the first part to a person. */
export function toStoredBytes({ body, rawHeaders, ...head }: StoredRequest): Buffer {
  // JSON escapes line feeds, so the first line feed ends the head.
  const line = JSON.stringify({ version: VERSION, ...head, [STORED_HEADERS]: rawHeaders, bodyBytes: body.length });
  return Buffer.concat([Buffer.from(`${line}\n`), body]);
}

/**
 * Reads what `toStoredBytes` wrote. Throws a Fault with the reason if the bytes are damaged or were
 * stored by a newer nexthop.
 */
export function fromStoredBytes(bytes: Uint8Array): StoredRequest {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.indexOf(LINE_FEED);
  if (end < 0) throw damaged('its head has no end');
  const { version, bodyBytes, [STORED_HEADERS]: rawHeaders, ...rest } = parse(buffer.toString('utf8', 0, end));
  if (version !== VERSION) {
    throw new Fault('internal', {
      message: `the stored request has version ${JSON.stringify(version)}, and this nexthop reads ${VERSION}: was it stored by a newer one?`,
    });
  }
  const head = { ...rest, rawHeaders };
  if (!isHead(head)) throw damaged('its head lacks something, or has it in another form');
  const body = buffer.subarray(end + 1);
  if (body.length !== bodyBytes) throw damaged(`its body has ${body.length} bytes instead of ${bodyBytes}`);
  return { ...head, route: head.route, body };
}

type Head = Omit<StoredRequest, 'body' | 'route'> & { readonly route?: string };

function parse(line: string): Readonly<Record<string, unknown>> {
  let head: unknown;
  try {
    head = JSON.parse(line);
  } catch (cause) {
    throw damaged('its head is no JSON', cause);
  }
  if (typeof head !== 'object' || head === null) throw damaged('its head is no object');
  return head as Readonly<Record<string, unknown>>; // every object has this type
}

/** The keys of a head, and the check of each value. */
const SHAPE: Readonly<Record<keyof Head, (value: unknown) => boolean>> = {
  method: isText,
  url: (value) => isText(value) && URL.canParse(value),
  rawHeaders: (value) => isTexts(value) && value.length % 2 === 0,
  clientAddress: isText,
  trusted: (value) => typeof value === 'boolean',
  requestId: isText,
  params: isParams,
  route: (value) => value === undefined || isText(value),
};

function isHead(head: object): head is Head {
  return Object.entries(SHAPE).every(([key, fits]) => fits(Reflect.get(head, key)));
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isParams(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) => isText(each) || isTexts(each));
}

function damaged(how: string, cause?: unknown): Fault {
  return new Fault('internal', { message: `the stored request is damaged: ${how}`, cause });
}
