import test from 'ava';
import { assertGuarded, type GuardedSite } from '../../../helpers/guard-corpus.ts';

const FUNCTION = {
  'netlify/functions/fn.mjs':
    'export default () => new Response("the secret"); export const config = { path: "/admin/fn" };',
};

const CONFIG = 'export const config = { path: ["/admin", "/admin/*"] };';
const REFUSE = 'if (context.cookies.get("ok") !== "1") return new Response("no", { status: 403 });';

function site(code: string): Readonly<Record<string, string>> {
  return { ...FUNCTION, 'netlify/edge-functions/guard.js': code };
}

const GUARDS: Readonly<Record<string, GuardedSite>> = {
  'that returns nothing': {
    files: site(`export default (request, context) => { ${REFUSE} }; ${CONFIG}`),
    ...{ status: 403, opens: true },
  },
  'that returns next()': {
    files: site(`export default async (request, context) => { ${REFUSE} return context.next(); }; ${CONFIG}`),
    ...{ status: 403, opens: true },
  },
  'that refuses after next()': {
    files: site(`export default async (request, context) => {
      const secret = await context.next();
      ${REFUSE}
      return secret;
    };
    ${CONFIG}`),
    ...{ status: 403, opens: true, asksHop: true },
  },
  'that does not load': {
    files: site(`throw new Error('broken'); export default () => {}; ${CONFIG}`),
    ...{ status: 500, opens: false },
  },
  'that does not compile': { files: site(`export default ((;`), status: 500, opens: false },
  'without a function': { files: site(`export default 1; ${CONFIG}`), status: 500, opens: false },
  'with a wrong path': {
    files: site('export default () => {}; export const config = { path: "admin" };'),
    ...{ status: 500, opens: false },
  },
  'that throws, and whose onError is fail': {
    files: site(`export default () => { throw new Error(); }; ${CONFIG}`),
    ...{ status: 500, opens: false },
  },
  'that netlify.toml names, and that is missing': {
    files: { ...FUNCTION, 'netlify.toml': '[[edge_functions]]\nfunction = "guard"\npath = "/admin/*"\n' },
    ...{ status: 500, opens: false },
  },
};

for (const [what, guarded] of Object.entries(GUARDS)) {
  test(`no request passes an edge function ${what}`, async (t) => {
    await assertGuarded(t, { ...guarded, targets: ['/ADMIN/FN', '/Admin/fn?a=1'] });
  });
}
