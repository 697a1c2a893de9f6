import type { Exchange } from '../../../contract/exchange.ts';
import { headerOf } from './header-of.ts';

/** `context.geo`: the location of the client. Unknown parts are absent. */
export interface Geo {
  city?: string;
  country?: Area;
  postalCode?: string;
  subdivision?: Area;
  latitude?: number;
  longitude?: number;
  /** A name of the IANA time zone database. */
  timezone?: string;
}

export interface Area {
  code?: string;
  name?: string;
}

/**
 * Reads the location of the client from headers of a trusted peer: `x-nf-geo` (JSON in base64),
 * else `section-io-geo-*`. Unreadable values are ignored.
 */
export function toGeo(rawHeaders: readonly string[]): Geo {
  const header = headerOf(rawHeaders, 'x-nf-geo');
  return header === '' ? fromSectionHeaders(rawHeaders) : fromNetlifyHeader(header);
}

/** Finds the country of the client of an exchange: two letters, or '' if it is unknown. */
export type FindCountry = (exchange: Exchange) => string;

/** By headers of a trusted peer; in development it is always `mockCountry`. */
export function toCountryFinder(mockCountry: string | undefined): FindCountry {
  if (mockCountry !== undefined) return () => mockCountry;
  // Those of other peers are removed before any code reads the headers.
  return ({ request }) => toGeo(request.headers).country?.code ?? '';
}

/**
 * The location of every client in development, as with `netlify dev --geo=mock --country=…`: San
 * Francisco for US.
 */
export function mockGeo(country: string): Geo {
  const isHome = country === 'US';
  return {
    city: isHome ? 'San Francisco' : 'Mock City',
    country: { code: country, name: isHome ? 'United States' : 'Mock Country' },
    subdivision: isHome ? { code: 'CA', name: 'California' } : { code: 'SD', name: 'Mock Subdivision' },
    latitude: 0,
    longitude: 0,
    timezone: 'UTC',
  };
}

function fromNetlifyHeader(header: string): Geo {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(header, 'base64').toString());
  } catch {
    // The peer is trusted, but the value is unreadable.
    return {};
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  // The platform's gateway sends the other keys with the names of `Geo`, so they are passed on
  // unchanged.
  const { postal_code: postalCode, ...rest } = value as { postal_code?: string };
  return { ...rest, ...(postalCode !== undefined && { postalCode }) };
}

function fromSectionHeaders(rawHeaders: readonly string[]): Geo {
  const geo: Geo = {};
  const headers = sectionHeaders(rawHeaders);
  if (!headers) return geo;
  const read = (name: string): string => toText(headers.get(name) ?? '');
  const country = toArea(read('country-code'), read('country-name'));
  const subdivision = toArea(read('region-code'), read('region-name') || read('region'));
  const coordinates = LATITUDE_LONGITUDE.exec(read('latlon'));
  const city = read('city');
  const postalCode = read('postal-code');
  if (city) geo.city = city;
  if (country) geo.country = country;
  if (postalCode) geo.postalCode = postalCode;
  if (subdivision) geo.subdivision = subdivision;
  if (coordinates) {
    geo.latitude = Number(coordinates[1]);
    geo.longitude = Number(coordinates[2]);
  }
  return geo;
}

const SECTION = 'section-io-geo-';

/**
 * The headers with this prefix, by the rest of their names. Undefined if there are none, which is
 * the usual case.
 */
function sectionHeaders(rawHeaders: readonly string[]): ReadonlyMap<string, string> | undefined {
  let found: Map<string, string> | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string; // pairs
    if (name.length <= SECTION.length || !name.toLowerCase().startsWith(SECTION)) continue;
    found ??= new Map();
    found.set(name.slice(SECTION.length).toLowerCase(), rawHeaders[at + 1] as string);
  }
  return found;
}

const LATITUDE_LONGITUDE = /^\s*(-?\d+(?:\.\d+)?)\s*,\s*(-?\d+(?:\.\d+)?)\s*$/;

function toArea(code: string, name: string): Area | undefined {
  if (code === '' && name === '') return undefined;
  return { ...(code && { code }), ...(name && { name }) };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const BEYOND_ASCII = /[\x80-\xff]/;

/**
 * Decodes a name that was sent as UTF-8. Node decodes each byte of a header as one Latin-1
 * character.
 */
function toText(value: string): string {
  if (!BEYOND_ASCII.test(value)) return value;
  try {
    return UTF8.decode(Buffer.from(value, 'latin1'));
  } catch {
    // Not UTF-8, so the peer sent Latin-1.
    return value;
  }
}
