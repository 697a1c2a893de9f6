import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const GUARD = 'export async function middleware({ next }) { await null; return next(); }';
const BASIC_AUTH = '[[headers]]\nfor = "/*"\n[headers.values]\nBasic-Auth = "a:b"';
const ROLE =
  '[[redirects]]\nfrom = "/b/*"\nto = "/b/:splat"\nstatus = 200\nforce = true\nconditions = { Role = ["x"] }';
const EDGE = 'export default () => {}; export const config = { path: "/*" };';

for (const [title, files, changed, reports] of [
  [
    'an emptied netlify.toml',
    { 'netlify.toml': `${BASIC_AUTH}\n${ROLE}` },
    { 'netlify.toml': '' },
    [
      'netlify.toml had the only Basic-Auth until this reload: /*; what was protected is open now',
      'netlify.toml had the only rules with roles until this reload: /b/*; what was protected is open now',
    ],
  ],
  [
    'a removed netlify.toml',
    { 'netlify.toml': BASIC_AUTH },
    { 'netlify.toml': undefined },
    ['netlify.toml had the only Basic-Auth until this reload: /*; what was protected is open now'],
  ],
  [
    'a removed middleware',
    { 'middleware.js': GUARD },
    { 'middleware.js': undefined },
    ['middleware.js had the only middleware until this reload: middleware.js; what was protected is open now'],
  ],
  [
    'the last edge function that is removed',
    { 'netlify/edge-functions/a.js': EDGE },
    { 'netlify/edge-functions/a.js': undefined },
    [
      'netlify/edge-functions/a.js had the only edge functions until this reload: netlify/edge-functions/a.js; what was protected is open now',
    ],
  ],
  [
    'one of two edge functions that is removed, and another Basic-Auth',
    { 'netlify/edge-functions/a.js': EDGE, 'netlify/edge-functions/b.js': EDGE, 'netlify.toml': BASIC_AUTH },
    { 'netlify/edge-functions/a.js': undefined, 'netlify.toml': BASIC_AUTH.replace('/*', '/a') },
    [],
  ],
] as const) {
  test(`of the guards that a reload leaves out, ${reports.length} are told once: ${title}`, async (t) => {
    const site = await siteFolder(t, files);
    const { edge, close, errorLines } = await startEdge(t, { site });

    for (const [path, text] of Object.entries<string | undefined>(changed)) {
      await (text === undefined ? rm(join(site, path)) : writeFile(join(site, path), text));
    }
    const reload = await edge.reload();
    await edge.reload();

    const isTold = (message: unknown): boolean => / until this reload: /.test(String(message));
    const found = reload.problems.filter(({ message }) => isTold(message));
    t.deepEqual(
      found.map(({ severity, file, message }) => `${severity} ${file} ${message}`),
      reports.map((report) => `warning ${report}`),
    );
    await close();
    const lines = (await errorLines()).filter(({ message }) => isTold(message));
    t.deepEqual(
      lines.map(({ level, message }) => `${level} ${message}`),
      found.map(({ message }) => `warn ${message}`),
    );
  });
}
