import { parseSetCookie, stringifySetCookie } from 'cookie';

/** What a cookie says beside its name and value (RFC 6265 4.1). */
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

/** The cookies that an answer sets, as a middleware writes them; each call is seen in the `Set-Cookie` fields of its headers at once. */
export class ResponseCookies {
  readonly #headers: Headers;

  constructor(headers: Headers) {
    this.#headers = headers;
  }

  /** Replaces a cookie of that name. */
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

  /** Of that name, or all. */
  getAll(name?: string): readonly Pick<Cookie, 'name' | 'value'>[] {
    const cookies = this.#headers.getSetCookie().map(parse);
    return name === undefined ? cookies : cookies.filter((cookie) => cookie.name === name);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Has the browser forget the cookie; one that was set with a path or domain is deleted with the same. */
  delete(name: string, { path, domain }: Pick<CookieOptions, 'path' | 'domain'> = {}): this {
    const place = { ...(path !== undefined && { path }), ...(domain !== undefined && { domain }) };
    return this.set(name, '', { ...place, expires: 0 });
  }

  #replace(name: string, field: string): void {
    const others = this.#headers.getSetCookie().filter((each) => parse(each).name !== name);
    this.#headers.delete('set-cookie');
    for (const each of [...others, field]) this.#headers.append('set-cookie', each);
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
  return typeof given === 'boolean' ? given : (given.toLowerCase() as 'lax' | 'none' | 'strict'); // it was one of these
}
