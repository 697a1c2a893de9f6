import test from 'ava';
import { isImmutable } from '../../src/static/cache-control.ts';
import { serveFiles } from '../helpers/file-server.ts';

for (const path of [
  'assets/index-BvA3kd9Z.js',
  'assets/index-D_4f-x1k.css',
  'assets/index-DiwrgTda.js',
  'assets/index-BvA3kd9Z.js.map',
  'assets/logo-Bx2Yz1Wa.png',
  'assets/inter-C0k3x9Qz.woff2',
  '_astro/index.DKQ2x9_Z.css',
  '_astro/picture.BxYz12_Z1abcd.webp',
  '_next/static/abc/_buildManifest.js',
  '_next/static/chunks/main-app-1a2b3c4d5e6f7890.js',
  '_app/immutable/entry/start.js',
  '_nuxt/entry.js',
  'static/js/main.8a9b0c1d.js',
  'static/media/logo.5c0e9f8a7b6d1234.svg',
  'main.5c0e9f8a7b6d.js',
  'main-5QLH4F3K.js',
  'chunk.0a1b2c3d.js',
]) {
  test(`${path} is immutable`, (t) => {
    t.true(isImmutable(path));
  });
}

for (const path of [
  'index.html',
  'assets/page-BvA3kd9Z.html',
  'assets/feed.8a9b0c1d.xml',
  'app.js',
  'jquery-3.7.1.min.js',
  'assets/app-document.js',
  'assets/app-Version2.js',
  'assets/my-big-file.css',
  'assets/hero-1920x1080.jpg',
  'assets/hero-iPhone15.png',
  'assets/hero-MacBook2.png',
  'img/logo-Bx2Yz1Wa.png',
  'report-20240101.pdf',
  'report-deadbeef.pdf',
  'assets/DSC01234.jpg',
  '_nuxt/builds/latest.json',
  'x/_astro/logo.svg',
  'sw.js',
]) {
  test(`${path} is not immutable`, (t) => {
    t.false(isImmutable(path));
  });
}

test('an immutable file is cached for a year, its 416 is not', async (t) => {
  const server = await serveFiles(t, { 'public/assets/index-BvA3kd9Z.js': 'x' });
  const whole = await server.fetch('/assets/index-BvA3kd9Z.js');
  const outside = await server.fetch('/assets/index-BvA3kd9Z.js', { Range: 'bytes=9-' });

  t.is(whole.headers['cache-control'], 'public, max-age=31536000, immutable');
  t.is(outside.status, 416);
  t.false('cache-control' in outside.headers);
});
