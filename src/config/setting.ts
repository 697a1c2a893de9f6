import { BlockList, isIP } from 'node:net';
import type { TrustedPeers } from '../contract/client.ts';
import { PRIVATE_RANGES } from '../contract/private-address.ts';
import type { LimitKey, RateRule } from '../contract/rate-limit.ts';

/** Reads one setting's text. Returns the value, or throws an `Unfit` that says what is expected. */
export type Kind<T> = (text: string) => T;

/** One setting: its value, its default and its meaning. */
export interface Setting<T> {
  readonly kind: Kind<T>;
  readonly default: string;
  /** One line for docs/settings.md and `nexthop --help`. */
  readonly about: string;
}

export function setting<T>(read: Kind<T>, fallback: string, about: string): Setting<T> {
  return { kind: read, default: fallback, about };
}

/** The value of a setting is invalid. The message completes "NAME must be …". */
export class Unfit extends Error {}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const UNIT_BYTES: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `500ms`, `25s`, `2m`, `1h`; a bare number is seconds, as in nginx; `0` switches a limit off. In milliseconds. */
export function duration(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  const ms = Math.round(Number(amount) * (UNIT_MS[unit ?? 's'] ?? Number.NaN));
  // A Node timer fires at once for anything longer, which would turn a long limit into none.
  if (!Number.isFinite(ms) || ms > 2 ** 31 - 1)
    throw new Unfit('a duration such as "500ms", "25s", "2m" or "1h", at most 24 days');
  return ms;
}

/** `32k`, `6m`, `1g` or bytes; `0` switches a limit off. In bytes. */
export function size(text: string): number {
  const [, amount, unit] = /^(\d+)([bkmg]?)$/i.exec(text) ?? [];
  const bytes = Number(amount) * (UNIT_BYTES[(unit ?? '').toLowerCase()] ?? Number.NaN);
  if (!Number.isSafeInteger(bytes)) throw new Unfit('a size such as "65536", "32k" or "6m"');
  return bytes;
}

/** A size; undefined for none. */
export function optionalSize(text: string): number | undefined {
  return text === '' ? undefined : size(text);
}

export function whole(from: number, to: number): Kind<number> {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= from && value <= to)) throw new Unfit(`a whole number from ${from} to ${to}`);
    return value;
  };
}

/** `auto`, or a number of processes. */
export function workers(text: string): 'auto' | number {
  if (text === 'auto') return 'auto';
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= 256)) throw new Unfit('"auto", or a whole number from 0 to 256');
  return value;
}

export function flag(text: string): boolean {
  if (text === '1' || text === 'true') return true;
  if (text === '0' || text === 'false' || text === '') return false;
  throw new Unfit('"1" or "0"');
}

export function oneOf<const T extends string>(...choices: readonly T[]): Kind<T> {
  return (text) => {
    const choice = choices.find((each) => each === text);
    if (choice === undefined) throw new Unfit(`one of ${choices.map((each) => `"${each}"`).join(', ')}`);
    return choice;
  };
}

export function anyText(text: string): string {
  return text;
}

const LONGEST_WINDOW_MS = 86_400_000;

/** `100/60s`, `100/1m per ip+domain`: so many requests in a window of 1 s to 24 h, of each address, host or both; '' for no limit. */
export function rateLimit(text: string): Pick<RateRule, 'limit' | 'windowMs' | 'by'> | undefined {
  if (text === '') return undefined;
  const [, amount = '', window = '', keys = 'ip'] =
    /^(\d{1,9})\/(\S+)(?: per (ip|domain|ip\+domain))?$/.exec(text) ?? [];
  const windowMs = /^\d/.test(window) ? duration(window) : 0;
  if (Number(amount) < 1 || windowMs < 1000 || windowMs > LONGEST_WINDOW_MS) {
    throw new Unfit('a number of requests and a duration from 1s to 24h, such as "100/60s" or "100/60s per ip+domain"');
  }
  return { limit: Number(amount), windowMs, by: keys.split('+') as LimitKey[] }; // the expression accepts no other
}

/** A token (RFC 9110 5.6.2), e.g. the pseudonym in Via. */
export function token(text: string): string {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) throw new Unfit('letters, digits and "-", "_", "." without spaces');
  return text;
}

/** A path of a page of this server itself, or '' for none. */
export function ownPath(text: string): string {
  if (text !== '' && !/^\/[!-~]*$/.test(text)) throw new Unfit('a path that starts with "/", or empty for none');
  return text;
}

/** A two-letter code of a country (ISO 3166), in either case; '' for none. */
export function country(text: string): string {
  if (!/^(?:[A-Za-z]{2})?$/.test(text)) throw new Unfit('two letters such as "DE"');
  return text.toUpperCase();
}

/** Names that a script may use as variables, with commas between; '' for none. */
export function identifiers(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (text === '') return [];
  if (!names.every((name) => /^[A-Za-z_$][\w$]*$/.test(name))) {
    throw new Unfit('names such as "my_kv,other_kv": letters, digits and "_", no digit first');
  }
  return names;
}

/** Names or addresses of hosts, without ports, with commas between; '' for none. */
export function hosts(text: string): readonly string[] {
  if (text === '') return [];
  return text.split(',').map((each) => {
    const name = each.trim();
    const url = URL.parse(`http://${name.includes(':') && !name.startsWith('[') ? `[${name}]` : name}`);
    if (!url || url.host !== url.hostname || url.pathname !== '/' || url.username !== '' || /[/?#@]/.test(name)) {
      throw new Unfit('hosts such as "api.example,10.0.0.7", without schemes and ports');
    }
    return url.hostname;
  });
}

export interface Origin {
  /** As in a Host header. */
  readonly host: string;
  /** Without brackets, as net.connect expects it. */
  readonly hostname: string;
  readonly port: number;
}

/** For people: always with its port, e.g. `http://next-hop:80`. */
export function spellOrigin({ host, port }: Origin): string {
  return `http://${host.replace(/:\d+$/, '')}:${port}`;
}

/** `http://name[:port]`: the contract forbids anything else towards the next hop. */
export function httpOrigin(text: string): Origin {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' || url.pathname !== '/' || url.search || url.hash || url.username || url.password) {
    throw new Unfit('an http: URL of a host without a path, such as "http://next-hop:80"');
  }
  return { host: url.host, hostname: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 80) };
}

/**
 * `private`, `all`, `none`, or CIDRs and addresses separated by commas; `private` may be one of
 * them.
 */
export function trustedPeers(text: string): TrustedPeers {
  if (text === 'all') return () => true;
  if (text === 'none') return () => false;
  const list = new BlockList();
  for (const entry of text.split(',').flatMap((each) => (each.trim() === 'private' ? PRIVATE_RANGES : [each.trim()]))) {
    addRange(list, entry);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
}

function addRange(list: BlockList, entry: string): void {
  const [address = '', prefix, ...rest] = entry.split('/');
  const family = isIP(address);
  const longest = family === 6 ? 128 : 32;
  const bits = prefix === undefined ? longest : Number(/^\d{1,3}$/.test(prefix) ? prefix : Number.NaN);
  if (family === 0 || rest.length > 0 || !(bits <= longest)) {
    throw new Unfit('"private", "all", "none", or addresses and CIDRs such as "10.0.0.0/8,2001:db8::1"');
  }
  list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Hides the login of a URL that may be invalid: everything up to the last "@" is removed, and the
 * query.
 */
export function withoutLogin(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1…@').replace(/(:\/\/[^?]*\?).*$/s, '$1…');
}
