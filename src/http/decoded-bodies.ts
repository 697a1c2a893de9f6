import { isFetchOfSite, wrapFetch } from '../contract/own-fetch.ts';
import { type Coding, toDecodedCoding } from './coded-bytes.ts';

/**
 * The bodies that `fetch` has decoded. Its Response keeps `Content-Encoding` and `Content-Length`
 * of the coded bytes, which are wrong for the decoded body. With this set that is known even if a
 * function puts the body into another Response.
 */
const decodedBodies = new WeakSet<object>();

/**
 * Whether the headers of a Response describe coded bytes that `fetch` has decoded, or would have
 * decoded if there were a body (HEAD, 304). `coding`: the coding that the headers name. A body that
 * a function has transformed (`pipeThrough`) is not recognized.
 */
export function isDecodedByFetch(response: { readonly body: unknown }, coding: Coding | undefined): boolean {
  const { body } = response;
  if (typeof body === 'object' && body !== null && decodedBodies.has(body)) return true;
  // Only `fetch` and `clone` of its result create a Response with another type than 'default'. This
  // holds for Node's own Response only; other implementations may decode fewer codings.
  return coding !== undefined && response instanceof Response && response.type !== 'default';
}

/**
 * Wraps the global `fetch` so that it records the bodies that it decodes, and `tee` (which `clone`
 * uses) so that it records the branches. Call it once, before any code of the site is loaded. The
 * site's code sees no difference. Without it, as in a host's server, the bytes of the body decide
 * (`isCoded`).
 */
export function recordDecodedBodies(): void {
  // What other code has set is not wrapped: it may answer without decoding.
  if (!isFetchOfSite()) {
    wrapFetch('nexthop.decoded-bodies', (fetch) => (input, init) => fetch(input, init).then(recordDecoded));
  }
  if (ReadableStream.prototype.tee === nativeTee) ReadableStream.prototype.tee = recording.tee;
}

/** The same for a body that nexthop has decoded. */
export function recordDecodedBody(body: object): void {
  decodedBodies.add(body);
}

const nativeTee = ReadableStream.prototype.tee;

/** A method of an object, so that it has the name `tee`. */
const recording = {
  tee(this: ReadableStream): ReturnType<ReadableStream['tee']> {
    const branches = nativeTee.call(this);
    if (decodedBodies.has(this)) for (const branch of branches) decodedBodies.add(branch);
    return branches;
  },
};

function recordDecoded(response: Response): Response {
  const coding = response.headers.get('content-encoding');
  if (coding !== null && response.body && toDecodedCoding(coding)) decodedBodies.add(response.body);
  return response;
}
