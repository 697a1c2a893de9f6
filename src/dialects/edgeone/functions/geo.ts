/** The client's location. All values are strings, as on the platform; unknown ones are absent. */
export interface Geo {
  asn?: string;
  countryName?: string;
  countryCodeAlpha2?: string;
  countryCodeNumeric?: string;
  regionName?: string;
  regionCode?: string;
  cityName?: string;
  latitude?: string;
  longitude?: string;
  cisp?: string;
}

const KEYS = {
  asn: 'asn',
  nation_name: 'countryName',
  nation_numeric: 'countryCodeNumeric',
  region_name: 'regionName',
  region_code: 'regionCode',
  city_name: 'cityName',
  latitude: 'latitude',
  longitude: 'longitude',
  network_operator: 'cisp',
} as const satisfies Record<string, keyof Geo>;

/** Parses `EO-Connecting-Geo`: a URL-encoded list of `key=value` and `key="value with spaces"`. */
export function toGeo(header: string): Geo {
  const geo: Geo = {};
  for (const [, key = '', quoted, plain] of decode(header).matchAll(/([\w-]+)=(?:"([^"]*)"|(\S+))/g)) {
    const value = quoted ?? plain ?? '';
    if (isKey(key)) geo[KEYS[key]] = value;
    if (key === 'region_code') geo.countryCodeAlpha2 = value.split('-', 1)[0] ?? '';
  }
  return geo;
}

function decode(header: string): string {
  try {
    return decodeURIComponent(header);
  } catch {
    // A malformed escape: the value was not encoded.
    return header;
  }
}

function isKey(key: string): key is keyof typeof KEYS {
  return Object.hasOwn(KEYS, key);
}
