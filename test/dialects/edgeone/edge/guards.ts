import test from 'ava';
import { assertGuarded, type GuardedSite } from '../../../helpers/guard-corpus.ts';

const FUNCTION = { 'cloud-functions/admin/fn.js': 'export const onRequest = () => new Response("the secret");' };

const isAllowed = (cookie: string): string => `(${cookie} ?? '').includes('ok=1')`;
const REFUSAL = 'new Response("no", { status: 403 })';

function edgeFunction(code: string): Readonly<Record<string, string>> {
  return { ...FUNCTION, 'edge-functions/admin/[[rest]].js': code, 'edge-functions/admin/index.js': code };
}

function middleware(code: string): Readonly<Record<string, string>> {
  return { ...FUNCTION, 'middleware.js': code };
}

const MATCHER = 'export const config = { matcher: "/admin/:path*" };';

const GUARDS: Readonly<Record<string, GuardedSite>> = {
  'an edge function': {
    files: edgeFunction(`export function onRequest({ request }) {
      return ${isAllowed("request.headers.get('cookie')")} ? fetch(request) : ${REFUSAL};
    }`),
    ...{ status: 403, opens: true },
  },
  'an edge function that refuses after it has seen the response': {
    files: edgeFunction(`export async function onRequest({ request }) {
      const secret = await fetch(request);
      return ${isAllowed("request.headers.get('cookie')")} ? secret : ${REFUSAL};
    }`),
    ...{ status: 403, opens: true, asksHop: true },
  },
  'an edge function that compares the path again': {
    files: edgeFunction(`export function onRequest({ request }) {
      const isGuarded = new URL(request.url).pathname.startsWith('/admin');
      return isGuarded && !${isAllowed("request.headers.get('cookie')")} ? ${REFUSAL} : fetch(request);
    }`),
    ...{ status: 403, opens: true },
  },
  'an edge function that does not load': {
    files: edgeFunction('export const onRequest = () => {}; throw new Error("broken");'),
    ...{ status: 500, opens: false },
  },
  'a middleware': {
    files: middleware(`${MATCHER} export function middleware({ request, next }) {
      return ${isAllowed("request.headers.get('cookie')")} ? next() : ${REFUSAL};
    }`),
    ...{ status: 403, opens: true },
  },
  'a middleware that does not compile': {
    files: middleware('export const middleware = () => {'),
    ...{ status: 500, opens: false },
  },
};

for (const [what, guarded] of Object.entries(GUARDS)) {
  test(`no request passes ${what}`, async (t) => {
    await assertGuarded(t, guarded);
  });
}
