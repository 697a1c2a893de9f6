import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

/** Each in a line of its own: the log names it. */
const PATCHES = `const [RealDate, RealResponse] = [Date, Response];
globalThis.Date = class extends RealDate { static now() { return 7; } toISOString() { throw new Error('no'); } };
JSON.stringify = () => 'patched';
globalThis.Response = class extends RealResponse {};
globalThis.Buffer = undefined;
globalThis.fetch = () => { throw new Error('no'); };
`;

test('code of the site sees globals that it has replaced, and nexthop its own', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/a.js': `${PATCHES}
      export const onRequest = () => new RealResponse([Date.now(), JSON.stringify({}), typeof Buffer].join());`,
    'cloud-functions/late.js': `export const onRequest = () => {
      JSON.parse = () => { throw new Error('no'); }; return new Response('late'); };`,
    'cloud-functions/bad.js': 'export const onRequest = () => { throw new Error("broken"); };',
    'public/a.txt': 'file',
  });
  const running = await startNexthop(t, { site });
  const get = async (path: string, headers = {}) => {
    const response = await fetch(`http://127.0.0.1:${running.port}${path}`, { headers });
    return `${response.status} ${await response.text()}`;
  };

  t.is(await get('/a'), '200 7,patched,undefined');
  t.is(await get('/late'), '200 late');
  t.is(await get('/a.txt'), '200 file');
  t.regex(await get('/bad', { accept: 'application/json' }), /^500 \{.*"code": ?"function_error"/s);
  t.regex(await get('/hop'), /^502 /);

  const lines = (await complaints(running, 7)).filter(({ message }) => / is replaced/.test(String(message)));
  t.deepEqual(
    lines.map(({ level, message, file, line }) => [level, String(message).split(' ')[0], file, line]).sort(),
    [
      ['warn', 'Buffer', 'cloud-functions/a.js', 5],
      ['warn', 'Date', 'cloud-functions/a.js', 2],
      ['warn', 'JSON.parse', 'cloud-functions/late.js', 2],
      ['warn', 'JSON.stringify', 'cloud-functions/a.js', 3],
      ['warn', 'Response', 'cloud-functions/a.js', 4],
      ['warn', 'fetch', 'cloud-functions/a.js', 6],
    ],
  );
  running.child.kill('SIGTERM');
  t.is(await running.exited, 0);
  const access = (await readFile(join(running.logDir, 'access.log'), 'utf8')).trim().split('\n');
  t.is(access.length, 5);
  for (const line of access) t.regex(String(JSON.parse(line).time), /^20\d\d-/);
});
