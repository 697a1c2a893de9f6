import { parseSetCookie, stringifySetCookie } from 'cookie';

/** Attributes of a cookie (RFC 6265 4.1). */
export interface CookieOptions {
  readonly domain?: string;
  readonly expires?: Date | number | string;
  readonly httpOnly?: boolean;
  /** Seconds. */
  readonly maxAge?: number;
  /** Default: `/`. */
  readonly path?: string;
  readonly sameSite?: boolean | 'strict' | 'lax' | 'none' | 'Strict' | 'Lax' | 'None';
  readonly secure?: boolean;
}

export interface Cookie extends CookieOptions {
  readonly name: string;
  readonly value: string;
}

/** The cookies that a response sets. Each call changes the `Set-Cookie` headers at once. */
export class ResponseCookies {
  readonly #headers: Headers;

  constructor(headers: Headers) {
    this.#headers = headers;
  }

  /** Adds a cookie, or replaces the one with the same name. */
  set(cookie: Cookie): this;
  set(name: string, value: string, options?: CookieOptions): this;
  set(cookie: Cookie | string, value = '', options: CookieOptions = {}): this {
    const { name, ...rest } = typeof cookie === 'string' ? { ...options, name: cookie, value } : cookie;
    this.#replace(name, serialize(name, rest));
    return this;
  }

  get(name: string): Pick<Cookie, 'name' | 'value'> | undefined {
    return this.getAll(name)[0];
  }

  /** All cookies, or those with the given name. */
  getAll(name?: string): readonly Pick<Cookie, 'name' | 'value'>[] {
    const cookies = this.#headers.getSetCookie().map(parse);
    return name === undefined ? cookies : cookies.filter((cookie) => cookie.name === name);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Makes the browser delete the cookie. Give the path and domain with which it was set. */
  delete(name: string, { path, domain }: Pick<CookieOptions, 'path' | 'domain'> = {}): this {
    const scope = { ...(path !== undefined && { path }), ...(domain !== undefined && { domain }) };
    return this.set(name, '', { ...scope, expires: 0 });
  }

  #replace(name: string, header: string): void {
    const others = this.#headers.getSetCookie().filter((each) => parse(each).name !== name);
    this.#headers.delete('set-cookie');
    for (const each of [...others, header]) this.#headers.append('set-cookie', each);
  }
}

function parse(header: string): Pick<Cookie, 'name' | 'value'> {
  const { name, value = '' } = parseSetCookie(header);
  return { name, value };
}

function serialize(name: string, { expires, sameSite, path = '/', ...rest }: Omit<Cookie, 'name'>): string {
  return stringifySetCookie({
    ...rest,
    name,
    path,
    ...(expires !== undefined && { expires: new Date(expires) }),
    ...(sameSite !== undefined && { sameSite: toSameSite(sameSite) }),
  });
}

function toSameSite(given: NonNullable<Cookie['sameSite']>): boolean | 'lax' | 'none' | 'strict' {
  return typeof given === 'boolean' ? given : (given.toLowerCase() as 'lax' | 'none' | 'strict'); // the lower case of its type
}
