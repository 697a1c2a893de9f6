import { registerHooks } from 'node:module';
import test from 'ava';
import { startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

// As if the package was not installed.
registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'sharp') throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' });
    return next(specifier, context);
  },
});

const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

test('without sharp the original is sent, which is reported once, and wrong queries are still refused', async (t) => {
  const site = await siteFolder(t, {
    'netlify.toml': '[build]\npublish = "out"',
    'out/a.gif': GIF,
    'out/a.html': '<p>',
  });
  const edge = await startEdge(t, { site });
  const get = (query: string) => fetch(`${edge.url}/.netlify/images?${query}`);

  const image = await get('url=/a.gif&w=10&fm=webp');
  t.is(image.headers.get('content-type'), 'image/gif');
  t.deepEqual(Buffer.from(await image.arrayBuffer()), GIF);
  t.is((await get('url=/a.gif&w=11')).status, 200);
  t.is((await get('url=/a.gif&w=0')).status, 400);
  t.is((await get('url=/a.html')).status, 400);
  const [route] = edge.edge.site.router.find('GET', '/.netlify/images');
  t.is(route?.route.about, 'image CDN: images as they are, without sharp');
  await edge.close();
  const reports = (await edge.errorLines()).filter((line) => JSON.stringify(line).includes('sharp is not installed'));
  t.is(reports.length, 1);
});
