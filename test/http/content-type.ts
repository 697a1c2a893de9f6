import test from 'ava';
import { contentTypeOf } from '../../src/http/content-type.ts';

for (const [name, type] of Object.entries({
  'index.html': 'text/html; charset=utf-8',
  'a.min.JS': 'text/javascript; charset=utf-8',
  'a.js.map': 'application/json',
  'logo.svg': 'image/svg+xml',
  'a.woff2': 'font/woff2',
  'site.webmanifest': 'application/manifest+json',
  'a.tar.gz': 'application/gzip',
  'a.constructor': 'application/octet-stream',
  'a.xml': 'application/xml',
  'a.yaml': 'application/yaml; charset=utf-8',
  'a.cjs': 'text/javascript; charset=utf-8',
  'a.md': 'text/markdown; charset=utf-8',
  'a.docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'favicon.ico': 'image/x-icon',
  'a.jxl': 'image/jxl',
  'a.__proto__': 'application/octet-stream',
  'a.': 'application/octet-stream',
  html: 'application/octet-stream',
  'apple-app-site-association': 'application/json',
})) {
  test(`${name} has the content type ${type}`, (t) => {
    t.is(contentTypeOf(name), type);
  });
}
