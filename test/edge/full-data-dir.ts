import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

/** A full file system for DATA_DIR and the temporary files, seen by this process only. */
const WITH_FULL_DISK = 'mount -t tmpfs -o size=16k tmpfs "$0" && head -c 16384 /dev/zero > "$0/x"; exec "$@"';

(process.getuid?.() === 0 ? test : test.skip)(
  'a start with a full DATA_DIR serves functions, and its first lines say what is full (as root only)',
  async (t) => {
    const site = await siteFolder(t, {
      'cloud-functions/a.js': "export const onRequest = () => new Response('hello');",
      'cloud-functions/bad.js': '\n\nexport const onRequest = () => { throw new Error("broken"); };',
      'netlify/functions/work-background.js': 'export default async () => {};',
    });
    const full = join(site, 'full');
    await mkdir(full);

    const running = await startNexthop(t, {
      site,
      env: { DATA_DIR: full, TMPDIR: full },
      under: ['unshare', '--mount', 'sh', '-c', WITH_FULL_DISK, full],
    });
    const get = async (path: string, method = 'GET') =>
      (await fetch(`http://127.0.0.1:${running.port}${path}`, { method })).status;

    await running.said(/error {5}no space is left for .*\/full\/state\.db .*: free some/);
    t.is(await get('/a'), 200);
    t.is(await get('/bad'), 500);
    t.is(await get('/.netlify/functions/work-background', 'POST'), 503);
  },
);
