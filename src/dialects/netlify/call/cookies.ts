/** A cookie as a function sets it. */
export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path?: string;
  readonly domain?: string;
  /** In seconds; a whole number from 0. */
  readonly maxAge?: number;
  /** A Date, or milliseconds since the epoch. */
  readonly expires?: Date | number;
  readonly httpOnly?: boolean;
  readonly secure?: boolean;
  readonly sameSite?: 'Strict' | 'Lax' | 'None';
  /** Further attributes, each written unchanged. */
  readonly unparsed?: readonly string[];
}

export type CookieName = Pick<Cookie, 'name' | 'path' | 'domain'>;

/** `context.cookies`. Its functions need no `this`. */
export interface Cookies {
  /**
   * The value of a cookie of the request, not decoded. Cookies that `set` added are not included.
   */
  get(name: string): string | undefined;
  /**
   * Throws a TypeError for a value that is no string. Other mistakes throw when the response is
   * created.
   */
  set(name: string, value: string): void;
  set(cookie: Cookie): void;
  delete(cookie: string | CookieName): void;
}

/** The cookies of one call: those of the request, and those to add to the response. */
export class CookieJar {
  readonly cookies: Cookies;
  readonly #changes: Cookie[] = [];

  /** `toRawHeaders`: alternating names and values of the request. */
  constructor(toRawHeaders: () => readonly string[]) {
    this.cookies = {
      get: (name) => findCookie(toRawHeaders(), name),
      set: (given: Cookie | string, value?: string) => {
        const cookie = typeof given === 'string' ? { name: given, value } : given;
        this.#changes.push(withCheckedValue(cookie));
      },
      delete: (given) => {
        const { name, path = '/', domain } = typeof given === 'string' ? { name: given } : given;
        this.#changes.push({ name, value: '', path, expires: 0, ...(domain !== undefined && { domain }) });
      },
    };
  }

  /**
   * The values of `Set-Cookie`, in the order of the calls. Throws a TypeError for a cookie that
   * cannot be sent.
   */
  toSetCookieValues(): string[] {
    return this.#changes.map(serialize);
  }
}

/**
 * Of two cookies with one name the last is used, as on the platform. A proxy may split the cookies
 * of an HTTP/2 request into several headers (RFC 9113, 8.2.3).
 */
function findCookie(rawHeaders: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() !== 'cookie') continue;
    for (const pair of rawHeaders[at + 1]?.split(';') ?? []) {
      const equals = pair.indexOf('=');
      if (equals >= 0 && pair.slice(0, equals).trim() === name) found = pair.slice(equals + 1).trim();
    }
  }
  return found;
}

/** A copy, because the function may change its own object later. */
function withCheckedValue(cookie: Omit<Cookie, 'value'> & { readonly value?: unknown }): Cookie {
  const { value } = cookie;
  if (typeof value !== 'string') {
    throw new TypeError("You must provide the cookie value as a string to 'cookies.set'");
  }
  return { ...cookie, value };
}

/** Writes the attributes in the platform's order. */
function serialize(cookie: Cookie): string {
  const { name, value, maxAge, domain, sameSite, path, expires, unparsed = [] } = withPrefixAttributes(cookie);
  if (!TOKEN.test(name)) throw new TypeError(`a cookie cannot have the name ${JSON.stringify(name)}`);
  if (!VALUE.test(value)) {
    throw new TypeError(
      `the value of the cookie ${JSON.stringify(name)} has characters that no cookie can have; encodeURIComponent() makes it fit`,
    );
  }
  const parts = [`${name}=${value}`];
  if (cookie.secure || isSecureName(name)) parts.push('Secure');
  if (cookie.httpOnly) parts.push('HttpOnly');
  if (maxAge !== undefined) parts.push(`Max-Age=${toSeconds(name, maxAge)}`);
  if (domain) parts.push(`Domain=${toAttribute(name, domain)}`);
  if (sameSite) parts.push(`SameSite=${toAttribute(name, sameSite)}`);
  if (path) parts.push(`Path=${toAttribute(name, path)}`);
  if (expires !== undefined) parts.push(`Expires=${toDate(name, expires)}`);
  for (const attribute of unparsed) parts.push(toAttribute(name, attribute));
  return parts.join('; ');
}

/** RFC 9110 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** `cookie-octet` of RFC 6265 4.1.1. */
const VALUE = /^[!#-+\--:<-[\]-~]*$/;
/** `av-octet` of the same. */
const ATTRIBUTE = /^[ -:<-~]*$/;

/**
 * Browsers accept cookies with these name prefixes only with these attributes (RFC 6265bis, 4.1.3),
 * so they are set whatever the function says.
 */
function withPrefixAttributes(cookie: Cookie): Cookie {
  if (!cookie.name.startsWith('__Host')) return cookie;
  const { domain: _, ...rest } = cookie;
  return { ...rest, path: '/' };
}

function isSecureName(name: string): boolean {
  return name.startsWith('__Secure') || name.startsWith('__Host');
}

function toSeconds(name: string, maxAge: number): number {
  if (Number.isInteger(maxAge) && maxAge >= 0) return maxAge;
  throw new TypeError(`maxAge of the cookie ${JSON.stringify(name)} must be a whole number from 0, got ${maxAge}`);
}

function toDate(name: string, expires: Date | number): string {
  const date = new Date(expires);
  if (Number.isNaN(date.getTime())) throw new TypeError(`expires of the cookie ${JSON.stringify(name)} is no date`);
  return date.toUTCString();
}

/** A ";" in an attribute would start another attribute. */
function toAttribute(name: string, text: string): string {
  if (ATTRIBUTE.test(text)) return text;
  throw new TypeError(`${JSON.stringify(text)} cannot be an attribute of the cookie ${JSON.stringify(name)}`);
}
