import { manifestStart } from './manifest.ts';

/** What @astrojs/node has called since Astro 6.4 to make the address of a request: it takes the Host field as it is. */
export function takesHost(text: string): boolean {
  return text.includes('createRequestFromNodeRequest(');
}

const NO_HOSTS = '"allowedDomains":[]';
const EVERY_HOST = '"allowedDomains":[{}]';

/**
 * Astro 5.17 to 6.3 takes the host of a request for `localhost` unless the site named it when it was built, and then refuses the site's own forms as those of another
 * site. nexthop checks Host before a build gets the request, so a manifest that names no host gets one pattern that matches every host. Without effect on a module
 * without a manifest.
 */
export function trustHost(text: string): string {
  const start = manifestStart(text);
  if (start === undefined) return text;
  // Inside of a string of the JSON the quotes would be escaped.
  const at = text.indexOf(NO_HOSTS, start);
  return at === -1 ? text : text.slice(0, at) + EVERY_HOST + text.slice(at + NO_HOSTS.length);
}
