import { manifestStart } from './manifest.ts';

/**
 * Whether a build makes the URL of a request from the Host header as it is. Since Astro 6.4,
 * @astrojs/node calls this function for it. A build by nexthop's adapter gets a Request with the
 * right URL. If it allowed every host, Astro would use X-Forwarded-Host, and make another Request
 * for each request with X-Forwarded-Proto.
 */
export function takesHost(text: string): boolean {
  return text.includes('createRequestFromNodeRequest(') || OF_OWN_ADAPTER.test(text);
}

/** The import in the entry of such a build. */
const OF_OWN_ADAPTER = /from ?["']nexthop\/astro-server["']/;

const NO_HOSTS = '"allowedDomains":[]';
const EVERY_HOST = '"allowedDomains":[{}]';

/**
 * Changes a manifest that allows no hosts so that it allows every host. Astro 5.17 to 6.3 replaces
 * a host that is not allowed by `localhost`, and then refuses the site's own forms as those of
 * another site. nexthop has checked Host before a build gets the request. Returns a module without
 * a manifest as it is.
 */
export function trustHost(text: string): string {
  const start = manifestStart(text);
  if (start === undefined) return text;
  // Cannot match inside of a JSON string: its quotes would be escaped.
  const at = text.indexOf(NO_HOSTS, start);
  return at === -1 ? text : text.slice(0, at) + EVERY_HOST + text.slice(at + NO_HOSTS.length);
}
