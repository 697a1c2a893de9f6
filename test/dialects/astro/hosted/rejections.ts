import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { BUILDS, nameOf } from '../../../helpers/astro-builds.ts';
import { astroSite } from '../../../helpers/astro-site.ts';
import { CHILD_ENV } from '../../../helpers/child-env.ts';
import { startNexthop } from '../../../helpers/process.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';
import { untilResult } from '../../../helpers/until-result.ts';

for (const build of BUILDS) {
  test(`an unhandled rejection of a page of ${nameOf(build)} is logged once, and the process continues`, async (t) => {
    const running = await startNexthop(t, { site: await astroSite(t, build) });
    const url = `http://127.0.0.1:${running.port}`;

    t.is(await (await fetch(`${url}/api/reject`)).text(), 'answered');
    const log = await untilResult(
      () => readFile(join(running.logDir, 'error.log'), 'utf8'),
      (text) => text.includes('left behind by the site'),
    );

    t.is(log.match(/"origin":"unhandledRejection"/g)?.length, 1);
    t.notRegex(running.output(), /Unhandled rejection/);
    t.is((await fetch(`${url}/users/7`)).status, 200);
  });
}

/** A program that embeds nexthop and has no listener for rejections. */
const PROGRAM = `
const { createEdge } = await import(process.env.SOURCE + '/edge.ts');
const { readConfig } = await import(process.env.SOURCE + '/config/config.ts');
const edge = await createEdge(readConfig({ site: process.env.SITE, env: { PORT: '0', HOST: '127.0.0.1', LOG_DIR: process.env.LOGS } }));
const url = 'http://127.0.0.1:' + (await edge.listen());
await (await fetch(url + '/api/reject')).text();
console.log((await fetch(url + '/users/7')).status);
await edge.close();
`;

test('an unhandled rejection is logged, and the process continues, in a program without a listener for it', async (t) => {
  const SITE = await astroSite(t, { major: 7 });
  const LOGS = await siteFolder(t);
  const SOURCE = new URL('../../../../src', import.meta.url).href;

  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    env: { ...CHILD_ENV, SITE, LOGS, SOURCE },
  });

  t.regex(stdout, /^200$/m);
  t.regex(await readFile(join(LOGS, 'error.log'), 'utf8'), /left behind by the site/);
});
