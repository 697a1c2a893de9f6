import type { IncomingMessage } from 'node:http';
import { patchRequest } from '../http/patch-request.ts';

const ORIGIN = /^https?:\/\/[^/?]*/i;

/**
 * A request as the host received it: target and headers. Trust headers are vetted before the site's
 * code reads them. The host has its own trust settings, so `giveBack` restores the received ones.
 */
export class HostRequest {
  readonly #request: IncomingMessage;
  readonly #url: string;
  readonly #receivedHeaders: string[];
  #vettedUrl: string | undefined;
  #vettedHeaders: readonly string[];

  constructor(request: IncomingMessage) {
    this.#request = request;
    this.#url = request.url ?? '/';
    this.#receivedHeaders = request.rawHeaders;
    this.#vettedHeaders = request.rawHeaders;
  }

  /** Marks the end of the vetting. Later changes are made by the site and are kept. */
  markVetted(): void {
    this.#vettedUrl = this.#request.url;
    this.#vettedHeaders = this.#request.rawHeaders;
  }

  /** Undoes the vetting. */
  giveBack(): void {
    const request = this.#request;
    const isRewritten = request.url !== this.#vettedUrl;
    request.url = isRewritten ? `${ORIGIN.exec(this.#url)?.[0] ?? ''}${request.url}` : this.#url;
    if (this.#vettedHeaders === this.#receivedHeaders) return;
    const wanted = changesOf(this.#vettedHeaders, request.rawHeaders);
    this.#restoreHeaders();
    // Otherwise patchRequest would treat them as already set.
    for (const [name] of wanted) delete request.headersDistinct[name];
    patchRequest(request, wanted);
  }

  #restoreHeaders(): void {
    const request = this.#request;
    const { headers, headersDistinct } = request;
    const received = toValues(this.#receivedHeaders);
    for (const [name] of [
      ...changesOf(this.#receivedHeaders, this.#vettedHeaders),
      ...changesOf(this.#vettedHeaders, this.#receivedHeaders),
    ]) {
      const values = received.get(name);
      if (values) {
        headers[name] = values.join(', ');
        headersDistinct[name] = values;
      } else {
        delete headers[name];
        delete headersDistinct[name];
      }
    }
    request.rawHeaders = this.#receivedHeaders;
  }
}

/** The headers of `after`, by lower-case name, that `before` has not or has with another value. */
function changesOf(before: readonly string[], after: readonly string[]): [name: string, value: string][] {
  if (before === after) return [];
  const old = toValues(before);
  return [...toValues(after)]
    .map(([name, values]): [string, string] => [name, values.join(', ')])
    .filter(([name, value]) => old.get(name)?.join(', ') !== value);
}

function toValues(flat: readonly string[]): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (let at = 0; at < flat.length; at += 2) {
    const name = (flat[at] as string).toLowerCase(); // pairs
    const value = flat[at + 1] as string;
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return values;
}
