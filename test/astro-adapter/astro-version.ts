import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { readAstroApi } from '../../src/astro-adapter/integration.ts';
import { siteFolder } from '../helpers/site-folder.ts';

async function siteWithAstro(t: ExecutionContext, version: string): Promise<URL> {
  const root = await siteFolder(t, { 'node_modules/astro/package.json': JSON.stringify({ name: 'astro', version }) });
  return pathToFileURL(`${root}/`);
}

test('Astro 5 is spoken to in its way, and every later one in that of Astro 6 and 7', async (t) => {
  t.is(readAstroApi(await siteWithAstro(t, '5.7.0')), 5);
  t.is(readAstroApi(await siteWithAstro(t, '6.0.0-beta.1')), 7);
  t.is(readAstroApi(await siteWithAstro(t, '7.3.5')), 7);
  t.is(readAstroApi(await siteWithAstro(t, '8.0.0')), 7);
});

test('an Astro that is too old is named, with its place', async (t) => {
  const root = await siteWithAstro(t, '4.16.19');

  t.throws(() => readAstroApi(root), {
    message: /^nexthop\/astro needs Astro 5 or later, got 4\.16\.19 in \/.*node_modules\/astro\/package\.json$/,
  });
});
