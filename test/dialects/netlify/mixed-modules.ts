import { basename, join } from 'node:path';
import test from 'ava';
import { netlify } from '../../../src/dialects/netlify/netlify.ts';
import { compileSite } from '../../helpers/compiled-site.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';

/** Files that mix ES modules and CommonJS, each with the response of its function. */
const FUNCTIONS = {
  'whole.js':
    "import { join } from 'node:path'; module.exports = { handler: async () => ({ statusCode: 200, body: join('a', 'b') }) };",
  'part.js':
    "import { join } from 'node:path'; exports.handler = async () => ({ statusCode: 200, body: join('a', 'b') });",
  'part.mjs':
    "import { join } from 'node:path'; module.exports.handler = async () => ({ statusCode: 200, body: join('a', 'b') });",
  'typed.ts': `import { join } from 'node:path'; import type { Handler } from '@netlify/functions';
    const handler: Handler = async () => ({ statusCode: 200, body: join('a', 'b') }); module.exports = { handler };`,
  'typed.mts':
    "import { join } from 'node:path'; exports.handler = async (): Promise<unknown> => ({ statusCode: 200, body: join('a', 'b') });",
  'assigned.js':
    "import { join } from 'node:path'; Object.assign(exports, { handler: async () => ({ statusCode: 200, body: join('a', 'b') }) });",
  'main.js': `export const handler = async () => ({ statusCode: 200, body: 'a/b' });
    if (require.main === module) throw new Error('only when it is run by itself');`,
  'modern.js': "import { join } from 'node:path'; module.exports.default = async () => new Response(join('a', 'b'));",
  'instead.js': "export default 1; module.exports = { handler: async () => ({ statusCode: 200, body: 'a/b' }) };",
  'plain.js': "exports.handler = async () => ({ statusCode: 200, body: 'a/b' });",
  'lodash.js': "import old from 'old'; exports.handler = async () => ({ statusCode: 200, body: old.answer });",
  'young.js': "import young from 'young'; exports.handler = async () => ({ statusCode: 200, body: young });",
  'helped.js': `import help, { name } from '../../lib/help.js'; import { plain } from '../../lib/plain.js';
    exports.handler = async () => ({ statusCode: 200, body: name + help() + plain });`,
  'dynamic.js': `import { join } from 'node:path';
    exports.handler = async () => ({ statusCode: 200, body: (await import('../../lib/help.js')).name + join('/', 'b') });`,
};

const LIB = {
  'lib/help.js':
    "import { sep } from 'node:path'; export default () => sep; export const name = 'a'; exports.more = 1;",
  'lib/plain.js': "module.exports = { plain: 'b' };",
  'netlify/node_modules/old/package.json': '{"main": "main.js"}',
  'netlify/node_modules/old/main.js': "exports.answer = 'a/b';",
  'netlify/node_modules/young/package.json': '{"type": "module", "exports": {"import": "./main.js"}}',
  'netlify/node_modules/young/main.js': "export default 'a/b';",
};

for (const type of [undefined, 'commonjs', 'module']) {
  test(`a file that imports and uses CommonJS's own names runs as the platform's builder compiles it, in a package of type ${type}`, async (t) => {
    const functions = Object.entries(FUNCTIONS).map(([file, text]) => [
      join('netlify/functions', `${file.replace('.', '-')}/${basename(file).replace(/^[^.]*/, 'index')}`),
      text.replaceAll("'../../lib", "'../../../lib"),
    ]);
    const { url, reading } = await serveDialect(t, netlify, {
      ...LIB,
      ...Object.fromEntries(functions),
      'package.json': JSON.stringify({ type }),
    });

    t.deepEqual(reading.problems, []);
    for (const file of Object.keys(FUNCTIONS)) {
      const answer = await fetch(`${url}/.netlify/functions/${file.replace('.', '-')}`);
      t.is(`${answer.status} ${await answer.text()}`, '200 a/b', file);
    }
  });

  test(`require, __dirname and __filename refer to the file itself next to an import, in a package of type ${type}`, async (t) => {
    const files = {
      'package.json': JSON.stringify({ type }),
      'api/data.json': '{"a": 1}',
      'api/a.js': `import { basename } from 'node:path';
        const { a } = require('./data.json'); const name = './data.json';
        exports.answer = [a, basename(__dirname), basename(__filename), basename(require.resolve(name)), basename(import.meta.url)];`,
    };

    const built = await compileSite(t, files, ['api/a.js']);

    t.deepEqual((await built.run('api/a.js')).answer, [1, 'api', 'a.js', 'data.json', 'a.js']);
  });
}

test('an error in such a file is reported with its own line', async (t) => {
  const files = {
    'package.json': '{"type": "module"}',
    'a.ts':
      "import { sep } from 'node:path';\n\ninterface A { x: 1 }\nexports.fail = (): A => {\n  throw new Error(sep);\n};",
    'b.mjs': "import { sep } from 'node:path';\n\nexports.sep = sep;\nthrow new Error('early');",
    'c.mjs': "import { sep } from 'node:path';\n\nimport no from 'no-such';\nexports.sep = no(sep);",
    'd.mjs': "import { sep } from 'node:path';\n\nexports.sep = ];",
  };
  const built = await compileSite(t, files, ['a.ts', 'b.mjs', 'c.mjs', 'd.mjs']);

  const { fail } = await built.run('a.ts');
  t.regex(t.throws(fail as () => unknown)?.stack ?? '', /\/a\.ts:5:9/);
  for (const [file, line] of [
    ['b.mjs', 4],
    ['c.mjs', 3],
    ['d.mjs', 3],
  ] as const) {
    t.like(built.explain(file, await t.throwsAsync(built.run(file))), { severity: 'error', file, line });
  }
});

for (const [title, text] of [
  ['tests whether it is CommonJS', "export const a = 1; if (typeof module !== 'undefined') module.exports = { a: 2 };"],
  ['has a top-level await', 'export const a = await Promise.resolve(1); if (a > 1) module.exports = 2;'],
  [
    'has names of its own like these',
    'export const a = 1; const exports = {}; exports.a = 2; export const f = (module) => module.exports;',
  ],
] as const) {
  test(`an ES module that ${title} stays an ES module`, async (t) => {
    const built = await compileSite(t, { 'a.mjs': text }, ['a.mjs']);

    t.deepEqual(built.problems, []);
    t.is((await built.run('a.mjs')).a, 1);
  });
}
