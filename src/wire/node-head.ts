import { type ServerResponse, STATUS_CODES } from 'node:http';
import { toLength } from '../contract/content-length.ts';
import type { PairOwner } from '../contract/http-message.ts';
import { CONNECTION, OF_CONNECTION, TRAILER, WRITTEN } from './connection-headers.ts';
import {
  groupByName,
  type HeadArguments,
  headersOf,
  listValues,
  toFlat,
  toSettable,
  withoutHeader,
} from './flat-headers.ts';
import { checkHeader } from './head-text.ts';
import { listHas } from './header-table.ts';
import { setHeadersOf } from './node-insides.ts';

/** A head that code gave to `writeHead`, or a `ResponseSink` got. */
export interface FramedHead {
  readonly given: HeadArguments;
  readonly hasBody: boolean;
  readonly declaredLength: number | undefined;
}

/** Whether a response has content, whatever its headers say. Of an interim status, Node sends the head only. */
export function mayHaveBody(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304 && status >= 200;
}

/**
 * Reads the Content-Length of a head and returns a head with at most one. It has none if the message cannot have one (RFC 9110
 * 8.6, RFC 9112 6.1) or if it is not a number. Node then frames the body itself.
 */
export function frameHead(response: ServerResponse, method: string, given: HeadArguments): FramedHead {
  const status = Number(given[0]) | 0; // as Node does
  const hasBody = mayHaveBody(method, status);
  const headers = headersOf(given);
  const set = response.getHeader('content-length');
  // As of nearly every framework.
  if (headers === undefined && (set === undefined || isPlain(set)) && !response.hasHeader('transfer-encoding')) {
    const declaredLength = set === undefined ? undefined : toLength(String(set));
    if ((declaredLength === undefined) === (set === undefined) && status !== 204)
      return { given, hasBody, declaredLength };
  }
  const own = headers === undefined ? NONE : toFlat(headers);
  const lengths = listValues(own, 'content-length') ?? (set === undefined ? NONE : [set].flat().map(String));
  if (lengths.length === 0) return { given, hasBody, declaredLength: undefined };
  const [length, ...others] = new Set(lengths.map(toLength));
  const isChunked = response.hasHeader('transfer-encoding') || listValues(own, 'transfer-encoding') !== undefined;
  const declaredLength = isChunked || status === 204 || others.length > 0 ? undefined : length;
  if (lengths.length === 1 && declaredLength !== undefined) return { given, hasBody, declaredLength };
  response.removeHeader('content-length');
  const kept = withoutHeader(own, 'content-length');
  if (declaredLength !== undefined) kept.push('Content-Length', String(declaredLength));
  return { given: withHeaders(given, kept), hasBody, declaredLength };
}

/** Applies the rules of the site to a head that code gave. All of its headers are set on the response then. */
export function changeHead(response: ServerResponse, owner: PairOwner, given: HeadArguments): HeadArguments {
  const own = headersOf(given);
  if (own !== undefined)
    for (const [name, values] of groupByName(toFlat(own))) response.setHeader(name, toSettable(values));
  const [status, reason] = given;
  const sent = owner.toSentStatus(status);
  const set = listSet(response);
  const applied = owner.applyLayers(sent, set);
  // Nearly always the cache only looks at the head. Comparing the lists takes a tenth of the time of a small app.
  if (applied !== set) setChanged(response, set, applied);
  if (sent !== status) return [sent, STATUS_CODES[sent] ?? ''];
  return typeof reason === 'string' ? [status, reason] : [status];
}

/** The headers (flat) that code has set. */
function listSet(response: ServerResponse): string[] {
  const flat: string[] = [];
  const all = setHeadersOf(response);
  for (const name in all ?? response.getHeaders()) {
    const value = all ? all[name]?.[1] : response.getHeader(name);
    if (Array.isArray(value)) for (const each of value) flat.push(name, String(each));
    else flat.push(name, String(value));
  }
  return flat;
}

function setChanged(response: ServerResponse, set: readonly string[], applied: readonly string[]): void {
  const before = new Map(groupByName(set).map(([name, values]) => [name.toLowerCase(), values]));
  for (const [name, values] of groupByName(applied)) {
    const old = before.get(name.toLowerCase());
    before.delete(name.toLowerCase());
    if (old?.join('\n') !== values.join('\n')) response.setHeader(name, toSettable(values));
  }
  for (const name of before.keys()) response.removeHeader(name);
}

/** The connection is closed after this response, also if the code sets keep-alive. */
export function sayClose(response: ServerResponse, given: HeadArguments): HeadArguments {
  response.shouldKeepAlive = false;
  const set = response.getHeader('connection');
  if (set !== undefined && !saysClose([set].flat().map(String))) response.setHeader('Connection', 'close');
  const flat = toFlat(headersOf(given) ?? NONE);
  const own = listValues(flat, 'connection');
  if (own === undefined || saysClose(own)) return given;
  return withHeaders(given, [...withoutHeader(flat, 'connection'), 'Connection', 'close']);
}

function saysClose(values: readonly string[]): boolean {
  return values.some((value) => listHas(value, 'close'));
}

/**
 * The headers of a `ResponseSink.head` that Node is to write: it adds those of the connection itself. Throws a TypeError for one that cannot be
 * sent. `closes`: they require that the connection is closed.
 */
export function toSentHeaders(flat: readonly string[]): { readonly headers: string[]; readonly closes: boolean } {
  const headers: string[] = [];
  let closes = false;
  for (let at = 0; at < flat.length; at += 2) {
    const name = flat[at] as string; // pairs
    const value = flat[at + 1] as string;
    checkHeader(name, value);
    const id = WRITTEN.idOf(name);
    if (id === CONNECTION) closes ||= listHas(value, 'close');
    else if (id !== OF_CONNECTION && id !== TRAILER) headers.push(name, value);
  }
  return { headers, closes };
}

const NONE: readonly string[] = [];

function isPlain(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function withHeaders([status, reason]: HeadArguments, flat: string[]): HeadArguments {
  return typeof reason === 'string' ? [status, reason, flat] : [status, flat];
}
