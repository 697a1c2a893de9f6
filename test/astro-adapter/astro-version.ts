import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { readAstroVersion } from '../../src/astro-adapter/integration.ts';
import { siteFolder } from '../helpers/site-folder.ts';

async function siteWithAstro(t: ExecutionContext, version: string): Promise<URL> {
  const root = await siteFolder(t, { 'node_modules/astro/package.json': JSON.stringify({ name: 'astro', version }) });
  return pathToFileURL(`${root}/`);
}

test('Astro 5 has one adapter interface, and every later version has another', async (t) => {
  t.is(readAstroVersion(await siteWithAstro(t, '5.7.0')).api, 5);
  t.is(readAstroVersion(await siteWithAstro(t, '6.0.0-beta.1')).api, 7);
  t.is(readAstroVersion(await siteWithAstro(t, '7.3.5')).api, 7);
  t.is(readAstroVersion(await siteWithAstro(t, '8.0.0')).api, 7);
});

test('before Astro 5.7 sessions need a flag', async (t) => {
  t.true(readAstroVersion(await siteWithAstro(t, '5.0.0')).hasSessionFlag);
  t.true(readAstroVersion(await siteWithAstro(t, '5.6.2')).hasSessionFlag);
  t.false(readAstroVersion(await siteWithAstro(t, '5.7.0')).hasSessionFlag);
  t.false(readAstroVersion(await siteWithAstro(t, '6.0.0')).hasSessionFlag);
});

test('a version of Astro that is too old is an error with its path', async (t) => {
  const root = await siteWithAstro(t, '4.16.19');

  t.throws(() => readAstroVersion(root), {
    message: /^nexthop\/astro needs Astro 5 or later, got 4\.16\.19 in \/.*node_modules\/astro\/package\.json$/,
  });
});
