import test from 'ava';
import { build } from '../../../../src/cli/build.ts';
import { readConfig } from '../../../../src/config/config.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { assertGuarded, type GuardedSite } from '../../../helpers/guard-corpus.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

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
  'with an unknown method': {
    files: site('export default () => {}; export const config = { path: "/admin/*", method: "GTE" };'),
    ...{ status: 500, opens: false },
  },
  'with a path that turns out to be undefined': {
    files: site('export default () => {}; export const config = { path: process.env.NOT_SET };'),
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

const BROKEN: Readonly<Record<string, readonly [files: Readonly<Record<string, string>>, problem: RegExp]>> = {
  'does not compile': [site('export default ((;'), /guard\.js:1/],
  'is named in netlify.toml and missing': [
    { 'netlify.toml': '[[edge_functions]]\nfunction = "guard"\npath = "/*"\n' },
    /no file has this name/,
  ],
  'has a wrong path': [
    site('export default () => {}; export const config = { path: "admin" };'),
    /must start with "\/"; every request is answered 500/,
  ],
  'imports a URL that is not vendored': [
    site(`import 'https://x.test/a.js'; export default () => {}; ${CONFIG}`),
    /is not in \.nexthop\/vendor/,
  ],
};

for (const [what, [files, problem]] of Object.entries(BROKEN)) {
  test(`nexthop build exits with 1 if an edge function ${what}`, async (t) => {
    const lines: string[] = [];
    const config = readConfig({ site: await siteFolder(t, files), env: {} });

    t.is(await build(config, (line) => lines.push(line)), 1);
    t.regex(lines.join('\n'), problem);
  });
}

test('nexthop build keeps edge functions, and a start uses them', async (t) => {
  const folder = await siteFolder(t, site(`export default () => new Response("built"); ${CONFIG}`));
  const config = readConfig({ site: folder, env: {} });

  t.is(await build(config, () => {}), 0);

  const edge = await startEdge(t, { site: folder });
  t.deepEqual(edge.edge.site.problems, []);
  t.true((await edge.exchange('GET /admin/a HTTP/1.0\r\n\r\n')).endsWith('built'));
});

test('with EDGE_FUNCTIONS=ignore none is called, and the start lists them', async (t) => {
  const files = { ...site(`export default () => new Response("edge"); ${CONFIG}`), 'public/admin/a.txt': 'file' };
  const edge = await startEdge(t, { site: await siteFolder(t, files), env: { EDGE_FUNCTIONS: 'ignore' } });

  t.true((await edge.exchange('GET /admin/a.txt HTTP/1.0\r\n\r\n')).endsWith('file'));
  t.regex(edge.edge.site.problems.map(({ message }) => message).join(), /not called.*guard.*what they protect is open/);
});
