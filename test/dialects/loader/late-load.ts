import { join } from 'node:path';
import test from 'ava';
import { describeLateLoad } from '../../../src/dialects/loader/late-load.ts';
import { siteFolder } from '../../helpers/site-folder.ts';

for (const [files, waitedMs, expected] of [
  [
    {
      'a.js': `import './lib/db.js';\nexport const f = async () => { await 1; };`,
      'lib/db.js': '\nexport const db = await new Promise(() => {});',
    },
    10_004,
    { message: 'is still loading after 10 s: it waits at the await outside of functions at lib/db.js:2:19' },
  ],
  [
    {
      'a.js': `import './b.js';\nimport pg from 'pg';\nawait pg.connect();\nfor await (const x of pg) x();`,
      'b.js': 'await 1;',
    },
    2000,
    {
      message:
        'is still loading after 2 s: it waits at one of the awaits outside of functions at a.js:3:1, a.js:4:5, b.js:1:1',
      line: 3,
      column: 1,
    },
  ],
  [
    { 'a.js': `import 'pg';\nimport './none.js';` },
    51,
    { message: 'is still loading after 0.1 s; a package that it imports may wait for something at its top level' },
  ],
] as const) {
  test(expected.message, async (t) => {
    const root = await siteFolder(t, files);

    t.deepEqual(await describeLateLoad({ root, path: join(root, 'a.js'), waitedMs }), expected);
  });
}
