import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import test from 'ava';
import { precompress } from '../../src/astro-adapter/precompress.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const TEXT = 'a line of text\n'.repeat(200);

test('text files of every kind get both compressed forms, with the same content', async (t) => {
  const names = ['index.html', '_astro/a.css', '_astro/a.js', 'feed.xml', 'data.json', 'logo.svg', 'mod.wasm'];
  const root = await siteFolder(t, Object.fromEntries(names.map((name) => [name, TEXT])));

  const { files, bytes, compressedBytes } = await precompress(root);

  t.is(files, names.length);
  t.is(bytes, names.length * TEXT.length);
  t.true(compressedBytes < bytes / 20);
  for (const name of names) {
    t.is(brotliDecompressSync(await readFile(join(root, `${name}.br`))).toString(), TEXT);
    t.is(gunzipSync(await readFile(join(root, `${name}.gz`))).toString(), TEXT);
  }
});

test('small files, pictures, and text that does not become smaller get no compressed forms', async (t) => {
  const root = await siteFolder(t, { 'small.html': 'x'.repeat(1023), 'picture.png': TEXT });
  await writeFile(join(root, 'noise.js'), randomBytes(5000));

  const { files } = await precompress(root);

  t.is(files, 0);
  t.deepEqual((await readdir(root)).sort(), ['noise.js', 'picture.png', 'small.html']);
});

test('an existing compressed form stays if its content is the same, and is replaced if not', async (t) => {
  const root = await siteFolder(t, { 'index.html': TEXT, 'about.html': TEXT, 'about.html.gz': 'no gzip at all' });
  const own = gzipSync(TEXT, { level: 1 });
  await writeFile(join(root, 'index.html.gz'), own);
  await writeFile(join(root, 'about.html.br'), brotliCompressSync('of another build'));

  await precompress(root);

  t.deepEqual(await readFile(join(root, 'index.html.gz')), own);
  t.is(brotliDecompressSync(await readFile(join(root, 'about.html.br'))).toString(), TEXT);
  t.is(gunzipSync(await readFile(join(root, 'about.html.gz'))).toString(), TEXT);
});

test('hundreds of files are compressed a few at a time', async (t) => {
  const names = Array.from({ length: 300 }, (_, number) => `page-${number}/index.html`);
  const root = await siteFolder(t, Object.fromEntries(names.map((name) => [name, TEXT])));

  t.is((await precompress(root)).files, 300);
});
