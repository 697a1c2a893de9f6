import { join } from 'node:path';
import test from 'ava';
import { edgeone } from '../../../../src/dialects/edgeone/edgeone.ts';
import { mayName, SourceSearch } from '../../../../src/dialects/edgeone/functions/source-search.ts';
import { serveDialect } from '../../../helpers/dialect-server.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

test('a function whose code does not contain the word body is called before the upload, and reads it as it arrives', async (t) => {
  const { connect } = await serveDialect(t, edgeone, {
    'cloud-functions/early.ts': `import { answer } from './_helper'; import type { EventContext } from '@edgeone/types';
        import { hash } from 'node:crypto'; export const onRequest = () => answer(Buffer.from('early'), hash);`,
    'cloud-functions/_helper.ts': 'export const answer = (text: Buffer, _: unknown) => new Response(text);',
    'cloud-functions/text.js': 'export const onRequest = async ({ request }) => new Response(await request.text());',
  });
  const early = await connect();
  const text = await connect();

  early.write('POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n');
  t.regex(await early.readUntil('early'), /^HTTP\/1\.1 200 /);
  text.write('POST /text HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
  t.regex(await text.readUntil('hello'), /^HTTP\/1\.1 200 /);
});

/** Code that reads the body of a request, and the files that it imports. */
const READERS: Readonly<Record<string, readonly [code: string, files?: Readonly<Record<string, string>>]>> = {
  'a property': ['export const onRequest = (context) => [context.request.body.a];'],
  'a property in brackets': ["export const onRequest = ({ request }) => [request['body'].a];"],
  'an optional property': ['export const onRequest = ({ request }) => [request?.body?.a];'],
  destructuring: ['export const onRequest = ({ request: { body } }) => [body.a];'],
  'destructuring under another name': [
    'export const onRequest = ({ request }) => { const { body: data } = request; return [data.a]; };',
  ],
  'a helper in another file': [
    "import { read } from './_lib/read.js'; export const onRequest = ({ request }) => [read(request)];",
    { 'cloud-functions/_lib/read.ts': 'export const read = (request: { body: { a: number } }) => request.body.a;' },
  ],
  'a helper of a helper': [
    "export { onRequest } from '../lib';",
    {
      'lib/index.js': "const { read } = require('./read.cjs'); exports.onRequest = (context) => [read(context)];",
      'lib/read.cjs': 'exports.read = ({ request }) => request.body.a;',
    },
  ],
  'a helper imported with import() and an alias': [
    "export const onRequest = async ({ request }) => [(await import('@/read')).read(request)];",
    {
      'tsconfig.json': '{"compilerOptions":{"paths":{"@/*":["./lib/*"]}}}',
      'lib/read.ts': "export const read = (request) => request['bo' + 'dy'].a;",
    },
  ],
  'a package': [
    "import { read } from '../packages/node_modules/reader/index.js'; export const onRequest = ({ request }) => [read(request)];",
    { 'packages/node_modules/reader/index.js': 'exports.read = ({ body }) => body.a;' },
  ],
};

for (const [how, [code, files = {}]] of Object.entries(READERS)) {
  test(`request.body has its value for code that reads it by ${how}`, async (t) => {
    const { url } = await serveDialect(t, edgeone, { 'cloud-functions/r.js': code, ...files });

    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/r`, { method: 'POST', body: '{"a":1}', headers });

    t.deepEqual(await response.json(), [1]);
  });
}

/** Code whose imports cannot all be found without running it. */
const INCOMPLETE: Readonly<Record<string, string>> = {
  'an import of a package': "import x from 'package';",
  'an import of an alias': "import x from '#lib';",
  'an import of a computed name': 'const x = await import(name);',
  'an import of a template': `const x = await import(\`./\${name}.js\`);`,
  'a require of a computed name': "const x = require('./' + name);",
  'a require by another name': 'const load = require; load(name);',
  'a require made by createRequire': "const load = createRequire(import.meta.url); load('./b.js');",
  'a missing file': "import x from './missing.js';",
};

for (const [what, code] of Object.entries(INCOMPLETE)) {
  test(`code with ${what} counts as code that uses every name`, async (t) => {
    const root = await siteFolder(t, { 'a.js': code });

    const texts = await new SourceSearch().textsOf(join(root, 'a.js'));

    t.false(texts.isWhole);
    t.true(mayName(texts, 'anything'));
  });
}

test('all forms of imports are followed, also in circles', async (t) => {
  const root = await siteFolder(t, {
    'a.ts': `import 'node:fs'; import fs from 'fs'; import type { T } from 'package'; export type { U } from 'other';
      import { b } from './b'; export * from"./c.js"; const d = () => import('./d'); Array.from('abc'); Buffer.from("x")`,
    'b.tsx': "const e = require('./e.config');",
    'c.ts': "import '..';",
    'd/index.mjs': "import '../a.ts'; const word = 1;",
    'e.config.cjs': '',
    'e.ts': 'not this',
  });

  const texts = await new SourceSearch().textsOf(join(root, 'a.ts'));

  const names = [...texts.byPath.keys()].map((path) => path.slice(root.length + 1));
  t.deepEqual(names.sort(), ['a.ts', 'b.tsx', 'c.ts', 'd/index.mjs', 'e.config.cjs']);
  t.false(texts.isWhole, 'there is no file at ".."');
  t.true(mayName({ ...texts, isWhole: true }, 'word'));
  t.false(mayName({ ...texts, isWhole: true }, 'wor'));
});
