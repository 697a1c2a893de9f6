import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { toLocation } from '../../src/contract/problem.ts';
import { startEdge } from '../helpers/edge.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const CLOSES_ALL = 'it may protect paths, so every request is answered 500';

/** By path of the link: what is reported. */
const GUARDS: Readonly<Record<string, string>> = {
  'netlify.toml': `is a link to a file that does not exist; ${CLOSES_ALL}`,
  'public/_headers': `is a link to a file that does not exist; ${CLOSES_ALL}`,
  'public/_redirects': `is a link to a file that does not exist; ${CLOSES_ALL}`,
  'middleware.js': 'cannot be',
  'netlify/edge-functions':
    'is a link to a folder that does not exist: there are no edge functions; because edge functions may protect paths, every request is answered 500',
  'edge-functions': 'is a link to a folder that does not exist: there are no edge functions; their paths answer 500',
};

for (const [link, message] of Object.entries(GUARDS)) {
  test(`a link to nothing in the place of ${link} closes the site`, async (t) => {
    const site = await siteFolder(t, { 'public/index.html': 'home' });
    await mkdir(dirname(join(site, link)), { recursive: true });
    await symlink(join(site, 'not-mounted'), join(site, link));
    const { edge, url } = await startEdge(t, { site });

    for (const path of ['/', '/index.html']) t.is((await fetch(url + path)).status, 500, path);
    const [problem] = edge.site.problems;
    t.true(`${problem && toLocation(problem)} ${problem?.message}`.startsWith(`${link} ${message}`), problem?.message);
  });
}
