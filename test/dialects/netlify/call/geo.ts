import test from 'ava';
import { mockGeo, toGeo } from '../../../../src/dialects/netlify/call/geo.ts';
import { serveFunction } from '../../../helpers/function-server.ts';

test('x-nf-geo is read, and its postal code gets the name of the type', (t) => {
  const place = {
    city: 'São Paulo',
    country: { code: 'BR', name: 'Brazil' },
    timezone: 'America/Sao_Paulo',
    longitude: -46.6,
  };

  const geo = toGeo(['X-NF-Geo', toBase64({ ...place, postal_code: '01000' }), 'section-io-geo-city', 'elsewhere']);

  t.deepEqual(geo, { ...place, postalCode: '01000' });
});

for (const text of ['', '!', toBase64('text'), toBase64(null), toBase64(['Porto']), 'eyJjaXR5Ijo=']) {
  test(`x-nf-geo with ${JSON.stringify(text)} is ignored`, (t) => {
    t.deepEqual(toGeo(['x-nf-geo', text]), {});
  });
}

test('without x-nf-geo the headers of Section are read', (t) => {
  const fields = {
    'section-io-geo-country-code': 'BR',
    'Section-IO-Geo-Country-Name': 'Brazil',
    'section-io-geo-region-code': 'SP',
    'section-io-geo-region': 'S\xc3\xa3o Paulo',
    'section-io-geo-city': 'S\xe3o Paulo',
    'section-io-geo-latlon': '-23.55, -46.63',
    'section-io-geo-postal-code': '01000',
    'section-io-geo-asn': '1',
  };

  t.deepEqual(toGeo(Object.entries(fields).flat()), {
    city: 'São Paulo',
    country: { code: 'BR', name: 'Brazil' },
    subdivision: { code: 'SP', name: 'São Paulo' },
    latitude: -23.55,
    longitude: -46.63,
    postalCode: '01000',
  });
});

test('parts that the headers of Section lack, or that are invalid, are absent', (t) => {
  t.deepEqual(toGeo(['section-io-geo-country-code', 'PT', 'section-io-geo-latlon', 'unknown']), {
    country: { code: 'PT' },
  });
});

test('in development every client is in San Francisco, or in a city of the country', async (t) => {
  t.like(mockGeo('US'), { city: 'San Francisco', country: { code: 'US', name: 'United States' } });
  t.like(mockGeo('PT'), {
    city: 'Mock City',
    country: { code: 'PT', name: 'Mock Country' },
    latitude: 0,
    timezone: 'UTC',
  });

  const server = await serveFunction(t, 'export default (_, { geo }) => Response.json(geo);', {
    project: { mockCountry: 'PT' },
  });
  const answer = await fetch(server.url, { headers: { 'x-nf-geo': toBase64({ city: 'Porto' }) } });

  t.deepEqual(await answer.json(), mockGeo('PT'));
});

function toBase64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}
