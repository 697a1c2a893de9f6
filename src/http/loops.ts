import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import type { Exchange } from '../contract/exchange.ts';
import { Fault } from '../contract/fault.ts';
import { wrapFetch } from '../contract/own-fetch.ts';
import { currentExchange } from './current-exchange.ts';

export interface LoopRules {
  /** This module's name in Via and CDN-Loop (RFC 8586). */
  readonly name: string;
  /** A request that already passed modules of this name so many times is a loop. */
  readonly loopLimit: number;
}

/** Throws `loop_detected` for a request that has passed modules of this name too often. */
export function refuseLoop(passes: number, { name, loopLimit }: LoopRules): void {
  if (passes < loopLimit) return;
  throw new Fault('loop_detected', {
    message: `the request already passed ${name} ${passes} times; NEXT_HOP may lead back to this server, or a function fetch its own path`,
  });
}

/** The same by the headers of a request (flat). Returns how often it has passed them. */
export function refuseLoopOf(headers: readonly string[], rules: LoopRules): number {
  const passes = passesOf(headers, rules.name);
  refuseLoop(passes, rules);
  return passes;
}

function passesOf(headers: readonly string[], name: string): number {
  return countPasses(
    headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === CDN_LOOP),
    name,
  );
}

export const CDN_LOOP = 'cdn-loop';

/**
 * From now on a `fetch` of the site's own host, in a call of its code, has CDN-Loop, as the hop gets it: without it, a function that fetches its own path
 * calls itself until its time is over. So has a request of `node:http`. Other hosts get no such header, and the own host no names of other servers, which may be in front of it.
 * Call it before all others that wrap `fetch`, so that it sees what they send.
 */
export function markOwnFetches(name: string): void {
  wrapFetch('nexthop.loops', (fetch) => {
    // Here, because this runs once for the process.
    subscribe('http.client.request.created', (message) => markRequest(message, name));
    return (input, init) => {
      const call = currentExchange();
      if (!call || !isOwn(input instanceof Request ? input.url : String(input), call)) return fetch(input, init);
      const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
      headers.set(CDN_LOOP, toMark(call, headers.get(CDN_LOOP) ?? '', name));
      call.ownFetches++;
      const over = (): void => {
        call.ownFetches--;
      };
      const response = fetch(input, { ...init, headers });
      response.then(over, over);
      return response;
    };
  });
}

/**
 * `message`: has a request of `node:http` that Node has just created. Its head is made already if its headers are a list, or `Expect` is one of them: then it stays without
 * the mark, so that a function which fetches itself ends by its time limit, and a cached one waits five seconds for itself.
 */
function markRequest(message: unknown, name: string): void {
  const call = currentExchange();
  if (!call) return;
  const { request } = message as { readonly request: ClientRequest }; // Node documents it
  if (request.headersSent || !isOwn(`${request.protocol}//${request.getHeader('host')}`, call)) return;
  request.setHeader(CDN_LOOP, toMark(call, String(request.getHeader(CDN_LOOP) ?? ''), name));
  call.ownFetches++;
  request.once('close', () => {
    call.ownFetches--;
  });
}

/** The value of CDN-Loop for a fetch of the own host. `sent`: that of the code, which may have passed the header of its request on. */
function toMark({ request }: Exchange, sent: string, name: string): string {
  const missing = passesOf(request.headers, name) + 1 - countPasses([sent], name);
  return [...(sent === '' ? [] : [sent]), ...Array<string>(Math.max(0, missing)).fill(name)].join(', ');
}

function isOwn(text: string, { request }: Exchange): boolean {
  if (!URL.canParse(text) || request.host === undefined) return false;
  const { protocol, host } = new URL(text);
  const own = `${protocol}//${request.host}`;
  return URL.canParse(own) && new URL(own).host === host;
}

/** How often the values of CDN-Loop name `id`. */
export function countPasses(values: readonly string[], id: string): number {
  let count = 0;
  for (const value of values) count += countIn(value, id);
  return count;
}

/**
 * How often a CDN-Loop value names `id`: an entry is an id and its parameters, which may hold commas and semicolons in quotes and do not count
 * (RFC 8586 2).
 */
function countIn(value: string, id: string): number {
  if (!value.includes(id)) return 0;
  let count = 0;
  for (const entry of toEntries(value)) {
    const semicolon = entry.indexOf(';');
    if ((semicolon < 0 ? entry : entry.slice(0, semicolon)).trim() === id) count++;
  }
  return count;
}

/** A quote that is not closed is no quote: it would hide the entries that proxies add after it, and with them the loop. */
function toEntries(value: string): string[] {
  const entries: string[] = [];
  let from = 0;
  let isQuoted = false;
  for (let at = 0; at < value.length; at++) {
    const character = value[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted && character === '\\') at++;
    else if (!isQuoted && character === ',') {
      entries.push(value.slice(from, at));
      from = at + 1;
    }
  }
  if (isQuoted) return value.split(',');
  entries.push(value.slice(from));
  return entries;
}
