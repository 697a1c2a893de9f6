import test from 'ava';
import nexthop, { type AdapterOptions } from '../../src/astro-adapter/integration.ts';
import { readOptions } from '../../src/astro-adapter/options.ts';
import { astroSite } from '../helpers/astro-site.ts';

const INVALID: readonly (readonly [given: unknown, message: RegExp])[] = [
  [undefined, /options must be an object with a mode, such as \{ mode: 'standalone' \}, got undefined$/],
  [{}, /mode must be "standalone", for a server, or "middleware", .*, got nothing$/],
  [{ mode: 'serverless' }, /mode must be "standalone".* got "serverless"$/],
  [{ mode: 'standalone', precompress: 1 }, /precompress must be true or false, got 1$/],
  [{ mode: 'standalone', bodySizeLimit: '1mb' }, /bodySizeLimit must be a number of bytes, .* got "1mb"$/],
  [{ mode: 'standalone', bodySizeLimit: -1 }, /bodySizeLimit must be a number of bytes, .* got -1$/],
  [{ mode: 'standalone', bodySizeLimit: Number.NaN }, /bodySizeLimit must be .* got NaN$/],
  [
    { mode: 'standalone', experimentalErrorPageHost: 'localhost:4321' },
    /ErrorPageHost must be a URL .* "localhost:4321"$/,
  ],
  [{ mode: 'standalone', experimentalErrorPageHost: 'ftp://x' }, /ErrorPageHost must be a URL with http: or https:/],
  [{ mode: 'standalone', port: 1 }, /port is not an option; the options are mode, experimentalDisableStreaming, /],
  [{ mode: 'standalone', toString: 1 }, /toString is not an option/],
  [
    { mode: 'standalone', staticHeaders: true, experimentalStaticHeaders: false },
    /staticHeaders and experimentalStaticHeaders are one option under two names, got two values$/,
  ],
];

for (const [given, message] of INVALID) {
  test(`an error says what is expected instead of ${show(given)}`, (t) => {
    // The cast: a JavaScript configuration has no type check.
    const error = t.throws(() => nexthop(given as AdapterOptions), { message });

    t.true(error?.message.startsWith('nexthop/astro in astro.config: '));
  });
}

function show(given: unknown): string {
  return JSON.stringify(given, (_, value) => (Number.isNaN(value) ? 'NaN' : value)) ?? 'nothing';
}

test('one error lists all invalid options', (t) => {
  t.throws(() => readOptions({ mode: 1, bundle: 'no' }), {
    message: /mode must be .* got 1; bundle must be .* got "no"$/,
  });
});

test('an undefined option has its default', (t) => {
  const { precompress, staticHeaders } = readOptions({ mode: 'standalone', precompress: undefined });

  t.true(precompress);
  t.false(staticHeaders);
});

test('static headers are switched on by either name', (t) => {
  t.true(readOptions({ mode: 'standalone', staticHeaders: true }).staticHeaders);
  t.true(readOptions({ mode: 'standalone', experimentalStaticHeaders: true }).staticHeaders);
});

test('the body limit is 1 GiB by default, and none with 0 or Infinity', (t) => {
  t.is(readOptions({ mode: 'standalone', bodySizeLimit: 0 }).bodyLimitBytes, 0);
  t.is(readOptions({ mode: 'standalone', bodySizeLimit: Number.POSITIVE_INFINITY }).bodyLimitBytes, 0);
  t.is(readOptions({ mode: 'standalone' }).bodyLimitBytes, 1024 ** 3);
});

test('the host of error pages may be a URL object, of which the origin is used', (t) => {
  const host = new URL('https://pages.example:8443/somewhere?x=1');

  t.is(
    readOptions({ mode: 'standalone', experimentalErrorPageHost: host }).errorPageOrigin,
    'https://pages.example:8443',
  );
});

for (const major of [5, 7] as const) {
  test(`a build with Astro ${major} and invalid options fails with the error`, async (t) => {
    const building = astroSite(t, { major, adapter: 'nexthop/astro', options: { mode: 'both', precompres: true } });

    await t.throwsAsync(building, {
      message: /nexthop\/astro in astro\.config: mode must be "standalone".* got "both"; precompres is not an option/,
    });
  });
}
