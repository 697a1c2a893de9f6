import { type Coding, toDecodedCoding } from './coded-bytes.ts';

/**
 * The bodies that `fetch` has decoded. `fetch` keeps the `Content-Encoding` and the `Content-Length` of the coded bytes in the headers of its Response; this tells that
 * they are not true of the body, also when a function puts it into a Response of its own.
 */
const decodedBodies = new WeakSet<object>();

/**
 * Whether the fields of a Response speak of coded bytes that `fetch` has decoded, or, where it has no body (HEAD, 304), would have decoded. `coding`: what they say of a
 * coding. A body that a function has changed (`pipeThrough`) is not known.
 */
export function isDecodedByFetch(response: { readonly body: unknown }, coding: Coding | undefined): boolean {
  const { body } = response;
  if (typeof body === 'object' && body !== null && decodedBodies.has(body)) return true;
  // Only `fetch` makes one with another type, and `clone` of what `fetch` made. Not so for other makes than Node's own: they may decode less.
  return coding !== undefined && response instanceof Response && response.type !== 'default';
}

/**
 * Has the global `fetch` note the bodies that it decodes, and `tee`, by which `clone` doubles a body, note its branches. Once, before any code of the site is
 * loaded. Code of the site sees no difference. Without it, as in a server of another program, the bytes of a body tell (`isCoded`).
 */
export function noteDecodedBodies(): void {
  // Not in place of what somebody else has put there, nor twice.
  if (globalThis.fetch === nativeFetch) globalThis.fetch = noting.fetch;
  if (ReadableStream.prototype.tee === nativeTee) ReadableStream.prototype.tee = noting.tee;
}

const nativeFetch = globalThis.fetch;
const nativeTee = ReadableStream.prototype.tee;

/** In an object, which gives them their names. */
const noting = {
  fetch(input: Parameters<typeof fetch>[0], init: Parameters<typeof fetch>[1] = undefined): Promise<Response> {
    return nativeFetch(input, init).then(note);
  },
  tee(this: ReadableStream): ReturnType<ReadableStream['tee']> {
    const branches = nativeTee.call(this);
    if (decodedBodies.has(this)) for (const branch of branches) decodedBodies.add(branch);
    return branches;
  },
};

function note(response: Response): Response {
  const coding = response.headers.get('content-encoding');
  if (coding !== null && response.body && toDecodedCoding(coding)) decodedBodies.add(response.body);
  return response;
}
