import { findNearEntries } from '../contract/near-entries.ts';

/** Settings of platforms and packages, which are at the top of a site. */
const SETTINGS: readonly string[] = [
  ...['netlify.toml', 'edgeone.json', 'edgeone.config.ts', 'vercel.json', 'package.json', 'package-lock.json'],
  ...['deno.json', '_headers', '_redirects'],
];
/** Only these are looked for under a misspelt name: a `packages.json` may be data of a page. */
const OF_PLATFORMS: readonly string[] = ['netlify.toml', 'edgeone.json', 'edgeone.config.ts'];

/** `netlify.toml.bak`, `package.json~`: what editors and people leave. */
const COPY_END = /^[.~_-](?:bak|backup|copy|disabled|old|orig|sample|save|swp|tmp|\d*)~?$/i;
/** Private keys, and variables of a server. A certificate is public, but its name often does not say that it is one. */
const SECRET = /\.(?:env|key|pem|p12|pfx)$|^env$|^id_(?:rsa|dsa|ecdsa|ed25519)$/i;

/**
 * Whether a file of a site that is served from its top looks like settings or secrets. Other sites have a folder for public files alone: a file there is public,
 * whatever its name. `isAtTop`: the file is at the top of the site.
 */
export function isPrivateName(name: string, isAtTop: boolean): boolean {
  if (SECRET.test(name)) return true;
  if (!isAtTop) return false;
  if (SETTINGS.some((each) => name.startsWith(each) && COPY_END.test(name.slice(each.length)))) return true;
  return OF_PLATFORMS.some(
    (each) => findNearEntries([{ name, isFolder: false }], { name: each, isFolder: false }).length > 0,
  );
}
