import { headerOf } from './header-of.ts';

/** `context.geo`: where the client is. What is unknown is absent. */
export interface Geo {
  city?: string;
  country?: Area;
  postalCode?: string;
  subdivision?: Area;
  latitude?: number;
  longitude?: number;
  /** Of the IANA time zone database. */
  timezone?: string;
}

export interface Area {
  code?: string;
  name?: string;
}

/**
 * What a trusted peer says of the client's place: `x-nf-geo` (JSON in base64), else the fields `section-io-geo-*`. What cannot be read is as if it
 * were not there.
 */
export function toGeo(rawHeaders: readonly string[]): Geo {
  const field = headerOf(rawHeaders, 'x-nf-geo');
  return field === '' ? fromSection(rawHeaders) : fromNetlify(field);
}

/** Where every client is in development, as in `netlify dev --geo=mock --country=…`: San Francisco for US. */
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

function fromNetlify(field: string): Geo {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(field, 'base64').toString());
  } catch {
    // Whoever sent it is believed, but this says nothing.
    return {};
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  // The platform's gateway sends the rest under the names of the type; it is passed on as it is.
  const { postal_code: postalCode, ...rest } = value as { postal_code?: string };
  return { ...rest, ...(postalCode !== undefined && { postalCode }) };
}

function fromSection(rawHeaders: readonly string[]): Geo {
  const geo: Geo = {};
  const told = sectionHeaders(rawHeaders);
  if (!told) return geo;
  const say = (name: string): string => toText(told.get(name) ?? '');
  const country = toArea(say('country-code'), say('country-name'));
  const subdivision = toArea(say('region-code'), say('region-name') || say('region'));
  const place = LATITUDE_LONGITUDE.exec(say('latlon'));
  const city = say('city');
  const postalCode = say('postal-code');
  if (city) geo.city = city;
  if (country) geo.country = country;
  if (postalCode) geo.postalCode = postalCode;
  if (subdivision) geo.subdivision = subdivision;
  if (place) {
    geo.latitude = Number(place[1]);
    geo.longitude = Number(place[2]);
  }
  return geo;
}

const SECTION = 'section-io-geo-';

/** By what stands behind the prefix. Undefined if there is none, as nearly always. */
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

/** Names of places come as UTF-8, of which Node makes a character each byte. */
function toText(field: string): string {
  if (!BEYOND_ASCII.test(field)) return field;
  try {
    return UTF8.decode(Buffer.from(field, 'latin1'));
  } catch {
    // Then it was Latin-1.
    return field;
  }
}
