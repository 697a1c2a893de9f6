/** As the Fetch standard says. */
const MOST_REDIRECTS = 20;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Of a body that a redirect drops. */
const OF_BODY = ['content-type', 'content-length', 'content-encoding', 'content-language', 'content-location'];

/**
 * Sends the request, and follows redirects as `fetch` does. Rejects with a TypeError if one leads to another origin, which is
 * not the site, or if there are too many.
 */
export async function followRedirects(
  first: Request,
  send: (request: Request) => Promise<Response>,
): Promise<Response> {
  // A redirect may need it again.
  let body = first.body ? await first.arrayBuffer() : undefined;
  let { method, url } = first;
  const { signal } = first;
  const headers = new Headers(first.headers);
  for (let count = 0; ; count++) {
    const response = await send(new Request(url, { method, headers, signal, ...(body && { body }) }));
    const location = response.headers.get('location');
    if (!REDIRECTS.has(response.status) || location === null) {
      return Object.defineProperty(response, 'redirected', { value: count > 0 });
    }
    if (count === MOST_REDIRECTS)
      throw new TypeError(`more than ${MOST_REDIRECTS} redirects, the last one to ${location}`);
    await response.body?.cancel();
    const next = new URL(location, url);
    if (next.origin !== new URL(url).origin) {
      throw new TypeError(
        `${url} redirects to ${next.href}, which is not this site: leave out redirect: 'follow', and look at the Location`,
      );
    }
    if (isSentAsGet(response.status, method)) {
      method = 'GET';
      body = undefined;
      for (const name of OF_BODY) headers.delete(name);
    }
    url = next.href;
  }
}

function isSentAsGet(status: number, method: string): boolean {
  if (status === 303) return method !== 'GET' && method !== 'HEAD';
  return (status === 301 || status === 302) && method === 'POST';
}
