/** Where the client is. All values are texts, as on the platform; what is unknown is absent. */
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

/** Reads `EO-Connecting-Geo`: an URL-encoded list of `key=value` and `key="value with spaces"`. */
export function toGeo(field: string): Geo {
  const geo: Geo = {};
  for (const [, key = '', quoted, plain] of decode(field).matchAll(/([\w-]+)=(?:"([^"]*)"|(\S+))/g)) {
    const value = quoted ?? plain ?? '';
    if (isKey(key)) geo[KEYS[key]] = value;
    if (key === 'region_code') geo.countryCodeAlpha2 = value.split('-', 1)[0] ?? '';
  }
  return geo;
}

function decode(field: string): string {
  try {
    return decodeURIComponent(field);
  } catch {
    // A "%" that encodes nothing: then the field was not encoded.
    return field;
  }
}

function isKey(key: string): key is keyof typeof KEYS {
  return Object.hasOwn(KEYS, key);
}
