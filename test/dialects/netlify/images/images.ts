import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { type RunningEdge, startEdge } from '../../../helpers/edge.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const TOML = '[build]\npublish = "out"\n';

async function picture(width: number, height: number, format: 'jpeg' | 'png' | 'gif' = 'jpeg'): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: 'red' } })
    .toFormat(format)
    .toBuffer();
}

/** A file of few bytes with more pixels than an image may have. Made once, because that takes almost a second of the processor. */
const HUGE = sharp({
  create: { width: 12_000, height: 6000, channels: 3, background: 'red' },
  limitInputPixels: false,
})
  .png()
  .toBuffer();

async function serve(t: ExecutionContext, files: Readonly<Record<string, string | Buffer>> = {}): Promise<RunningEdge> {
  const site = await siteFolder(t, { 'netlify.toml': TOML, 'out/red.jpg': await picture(400, 200), ...files });
  return startEdge(t, { site });
}

interface Seen {
  readonly status: number;
  readonly type: string | null;
  readonly format: string | undefined;
  readonly size: string;
}

async function get(edge: RunningEdge, query: string, headers: Record<string, string> = {}): Promise<Seen> {
  const response = await fetch(`${edge.url}/.netlify/images?${query}`, { headers });
  const content = Buffer.from(await response.arrayBuffer());
  const found = response.status === 200 ? await sharp(content).metadata() : undefined;
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    format: found?.format,
    size: found ? `${found.width}x${found.height}` : content.toString(),
  };
}

for (const [query, size] of [
  ['url=/red.jpg', '400x200'],
  ['url=red.jpg&w=100', '100x50'],
  ['url=/red.jpg&h=100', '200x100'],
  ['url=/red.jpg&w=100&h=100', '100x50'],
  ['url=/red.jpg&w=100&h=100&fit=contain', '100x50'],
  ['url=/red.jpg&w=100&h=100&fit=cover', '100x100'],
  ['url=/red.jpg&w=100&h=100&fit=cover&position=left&q=40', '100x100'],
  ['url=/red.jpg&w=100&h=100&fit=fill', '100x100'],
  ['url=/red.jpg&width=100&height=100&quality=10', '100x50'],
  ['url=/red.jpg&w=4000', '400x200'],
  ['url=/red.jpg&w=&h=&fm=', '400x200'],
] as const) {
  test(`?${query} gives an image of ${size}`, async (t) => {
    t.deepEqual(await get(await serve(t), query), { status: 200, type: 'image/jpeg', format: 'jpeg', size });
  });
}

for (const [query, message] of [
  ['', 'url must name an image'],
  ['url=', 'url must name an image'],
  ['url=/red.jpg&w=0', 'w must be a whole number from 1 to 8192'],
  ['url=/red.jpg&w=-1', 'w must be'],
  ['url=/red.jpg&w=1e3', 'w must be'],
  ['url=/red.jpg&h=9000', 'h must be a whole number from 1 to 8192'],
  ['url=/red.jpg&w=8000&h=8000', 'w and h must give at most'],
  ['url=/red.jpg&q=101', 'q must be a whole number from 1 to 100'],
  ['url=/red.jpg&fit=crop', 'fit must be one of contain, cover, fill'],
  ['url=/red.jpg&fit=cover&w=10', 'fit=cover needs both w and h'],
  ['url=/red.jpg&fm=exe', 'fm must be one of'],
  ['url=/red.jpg&position=middle', 'position must be one of'],
  ['url=http://[', 'url must be a path of this site, or a URL'],
  ['url=/.netlify/images?url=/red.jpg', 'url must not name another image request'],
  [`url=/${'a'.repeat(3000)}`, 'url must have at most'],
  ['url=/page.html', 'the source is no image'],
  ['url=/broken.jpg', 'the image cannot be read'],
  ['url=/huge.png&w=10', 'the image cannot be read, or is too large'],
] as const) {
  test(`?${query.slice(0, 60)} is refused with 400 and a reason`, async (t) => {
    const edge = await serve(t, {
      'out/page.html': '<h1>page</h1>',
      'out/broken.jpg': (await picture(64, 64)).subarray(0, 200),
      'out/huge.png': await HUGE,
    });

    const { status, size } = await get(edge, query);

    t.is(status, 400);
    t.true(size.includes(message), size);
  });
}

test('the format is the one of the source unless the query or the Accept header names another', async (t) => {
  const edge = await serve(t, { 'out/red.png': await picture(20, 20, 'png') });
  const browser = 'image/avif,image/webp,image/apng,image/*,*/*;q=0.8';

  t.is((await get(edge, 'url=/red.png')).type, 'image/png');
  t.is((await get(edge, 'url=/red.png', { accept: 'image/*,*/*' })).type, 'image/png');
  t.is((await get(edge, 'url=/red.png', { accept: browser })).type, 'image/webp');
  t.is((await get(edge, 'url=/red.png', { accept: 'image/avif, image/webp;q=0' })).type, 'image/avif');
  for (const [fm, type] of Object.entries({ jpg: 'jpeg', jpeg: 'jpeg', avif: 'avif', webp: 'webp', gif: 'gif' })) {
    t.is((await get(edge, `url=/red.png&fm=${fm}`, { accept: browser })).type, `image/${type}`);
  }
});

test('a response has a tag that belongs to content and query, and Vary if the client chooses the format', async (t) => {
  const edge = await serve(t, { 'out/_headers': '/red.jpg\n  Cache-Control: public, max-age=60' });
  const url = `${edge.url}/.netlify/images?url=/red.jpg&w=10`;
  const first = await fetch(url);
  const tag = first.headers.get('etag') ?? '';

  const head = await fetch(url, { method: 'HEAD' });
  const unchanged = await fetch(url, { headers: { 'if-none-match': `"x", W/${tag}` } });
  const other = await fetch(`${edge.url}/.netlify/images?url=/red.jpg&w=11&fm=png`);
  const post = await fetch(url, { method: 'POST' });

  t.is(first.headers.get('cache-control'), 'public, max-age=60');
  t.is(first.headers.get('vary'), 'Accept');
  t.is(first.headers.get('x-content-type-options'), 'nosniff');
  t.deepEqual([head.status, head.headers.get('etag')], [200, tag]);
  t.is(head.headers.get('content-length'), first.headers.get('content-length'));
  t.deepEqual([unchanged.status, unchanged.headers.get('etag')], [304, tag]);
  t.not(other.headers.get('etag'), tag);
  t.is(other.headers.get('vary'), null);
  t.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD']);
});

test('a picture is turned as its Exif data say, and an animation keeps its frames', async (t) => {
  const lying = await sharp(await picture(40, 20))
    .withMetadata({ orientation: 6 })
    .toBuffer();
  const frames = Buffer.alloc(10 * 10 * 3 * 4).map((_, at) => 80 * Math.floor(at / 300));
  const raw = { width: 10, height: 40, channels: 3, pageHeight: 10 } as const;
  const gif = await sharp(frames, { raw }).gif().toBuffer();
  const edge = await serve(t, { 'out/lying.jpg': lying, 'out/moving.gif': gif });

  t.is((await get(edge, 'url=/lying.jpg')).size, '20x40');
  const moving = await fetch(`${edge.url}/.netlify/images?url=/moving.gif&w=5&fm=webp`);
  t.true(((await sharp(Buffer.from(await moving.arrayBuffer()), { animated: true }).metadata()).pages ?? 0) > 1);
});

test('an SVG is sent as it is, and code in it does not run', async (t) => {
  const svg = '<?xml version="1.0"?><!-- a --><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
  const edge = await serve(t, { 'out/a.svg': svg });

  const response = await fetch(`${edge.url}/.netlify/images?url=/a.svg&w=10&fm=png`);

  t.is(response.headers.get('content-type'), 'image/svg+xml');
  t.is(response.headers.get('content-security-policy'), "default-src 'none'; style-src 'unsafe-inline'; sandbox");
  t.is(await response.text(), svg);
});
