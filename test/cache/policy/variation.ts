import test from 'ava';
import { readVariation } from '../../../src/cache/policy/variation.ts';

const NONE = { query: 'all', headers: [], cookies: [], languages: [], countries: [] };

const READ: readonly (readonly [vary: string | undefined, netlifyVary: string | undefined, expected: object])[] = [
  [undefined, undefined, {}],
  ['Accept, accept,  X-B', undefined, { headers: ['accept', 'x-b'] }],
  [undefined, 'query', {}],
  [undefined, 'query=b|a', { query: ['a', 'b'] }],
  [undefined, 'query=a, query=B', { query: ['B', 'a'] }],
  [undefined, 'query=a, query', {}],
  ['X-B', 'header=X-C|x-a, cookie=Zed|ab', { headers: ['x-a', 'x-b', 'x-c'], cookies: ['Zed', 'ab'] }],
  [undefined, 'language=en|ES+pt-BR', { languages: [['en'], ['es', 'pt-br']] }],
  [undefined, ' country = US | es+PT ', { countries: [['us'], ['es', 'pt']] }],
];

for (const [vary, netlifyVary, expected] of READ) {
  test(`Vary: ${vary} and Netlify-Vary: ${netlifyVary} are read`, (t) => {
    const headers = [...(vary ? ['Vary', vary] : []), ...(netlifyVary ? ['Netlify-Vary', netlifyVary] : [])];

    t.deepEqual(readVariation(headers), { ...NONE, ...expected } as never);
  });
}

for (const field of [
  'device',
  'query=',
  'query=a|',
  'cookie',
  'language',
  'header=accept',
  'header=x|User-Agent',
  'query=a; cookie=b, foo=c',
]) {
  test(`Netlify-Vary: ${field} is refused`, (t) => {
    t.is(readVariation(['netlify-vary', field]), 'netlify-vary');
  });
}
