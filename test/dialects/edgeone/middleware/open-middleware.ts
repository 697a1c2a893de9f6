import test from 'ava';
import type { Reading } from '../../../../src/contract/dialect.ts';
import { edgeone } from '../../../../src/dialects/edgeone/edgeone.ts';
import { serveDialect } from '../../../helpers/dialect-server.ts';

function filtersIn({ routes }: Reading): readonly string[] {
  return routes.filter(({ step }) => step === 1).map(({ file }) => file);
}

const FORMS: Readonly<Record<string, string>> = {
  'a named function': 'export function middleware() { return new Response("mine"); }',
  'a function named proxy': 'export const proxy = () => new Response("mine");',
  'a member of the default export': 'const middleware = () => new Response("mine"); export default { middleware };',
  CommonJS: 'exports.middleware = () => new Response("mine");',
  'a re-export': 'export { answer as middleware } from "./lib/answer.js";',
};

for (const [form, text] of Object.entries(FORMS)) {
  test(`a middleware may be ${form}`, async (t) => {
    const files = { 'middleware.js': text, 'lib/answer.js': 'export const answer = () => new Response("mine");' };
    const { reading, url } = await serveDialect(t, edgeone, files);

    t.deepEqual(reading.problems, []);
    t.deepEqual(filtersIn(reading), ['middleware.js']);
    t.is(await (await fetch(`${url}/x`)).text(), 'mine');
  });
}

test('a middleware in the root takes precedence over one below src', async (t) => {
  const files = {
    'middleware.ts': 'export const middleware = (context: { next(): Response }): Response => context.next();',
    'src/middleware.js': 'export const middleware = () => new Response("not this");',
  };
  const { reading } = await serveDialect(t, edgeone, files);

  t.deepEqual(filtersIn(reading), ['middleware.ts']);
  t.deepEqual(reading.ignored, [{ file: 'src/middleware.js', reason: 'middleware.ts is the middleware' }]);
});

for (const file of ['middleware.js', 'middleware.ts', 'src/middleware.js', 'src/middleware.ts']) {
  test(`${file} is the middleware of a site without another one`, async (t) => {
    const { url } = await serveDialect(t, edgeone, { [file]: 'export const middleware = () => new Response("mine");' });

    t.is(await (await fetch(`${url}/x`)).text(), 'mine');
  });
}

const BROKEN: Readonly<Record<string, string>> = {
  'does not parse': 'export const middleware = () => {;',
  throws: 'throw new Error("on purpose"); export const middleware = () => {};',
};

for (const [what, text] of Object.entries(BROKEN)) {
  test(`a middleware that ${what} when it loads answers 500 for the whole site, and is reported`, async (t) => {
    const { reading, url } = await serveDialect(t, edgeone, { 'middleware.js': text });

    t.like(reading.problems, [{ severity: 'error', file: 'middleware.js' }]);
    t.is((await fetch(`${url}/x`)).status, 500);
  });
}

const WITHOUT_HANDLER: Readonly<Record<string, string>> = {
  'is empty': '',
  'is half-written': 'const middleware = ({ next }) => next();',
  'does not parse and has no export': 'const middleware = ({ next }) => {',
  'exports only its matcher': 'export const config = { matcher: ["/admin/:path*"] };',
  'exports a value that is no function': 'export const middleware = 5;',
  'exports a function by default': 'export default function middleware() {}',
};

for (const [what, text] of Object.entries(WITHOUT_HANDLER)) {
  test(`a middleware.js that ${what} answers 500 for the whole site, and is reported`, async (t) => {
    const { reading, url } = await serveDialect(t, edgeone, { 'middleware.js': text });

    t.like(reading.problems, [{ severity: 'error', file: 'middleware.js' }]);
    t.is((await fetch(`${url}/x`)).status, 500);
  });
}

test('a matcher with an invalid pattern is reported, and the middleware runs for every path', async (t) => {
  const text =
    'export const config = { matcher: ["/a", "/(", 5] }; export const middleware = () => new Response("mine");';
  const { reading, url } = await serveDialect(t, edgeone, { 'middleware.js': text });

  t.deepEqual(
    reading.problems.map(({ message }) => message),
    [
      'config.matcher: "/(" is not a valid pattern; the middleware runs for every path',
      'config.matcher: 5 is not a valid pattern; the middleware runs for every path',
    ],
  );
  t.is(await (await fetch(`${url}/b`)).text(), 'mine');
});

const OTHERS: Readonly<Record<string, string>> = {
  'that of Next.js':
    "import type { NextRequest } from 'next/server';\nexport function middleware(request: NextRequest) {}",
  'that of Astro': 'export const onRequest = (context: unknown, next: () => unknown) => next();',
  'a helper that cannot be loaded here':
    'import "./none.js"; export default function middleware() {} throw new Error("on purpose");',
  'a helper': 'globalThis.helperRan = true; export const auth = 1; // middleware',
};

for (const [what, text] of Object.entries(OTHERS)) {
  test(`src/middleware.ts is ignored if it is ${what}`, async (t) => {
    const { reading } = await serveDialect(t, edgeone, { 'src/middleware.ts': text });

    t.deepEqual(filtersIn(reading), []);
    t.deepEqual(reading.problems, []);
    t.is(reading.ignored[0]?.file, 'src/middleware.ts');
    t.false('helperRan' in globalThis);
  });
}
