import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const MODULE = JSON.stringify(join(import.meta.dirname, '../../src/embed/test-edge.ts'));

const SITE = {
  'lib/price.ts': `export enum Kind { Book = 'book' }
export function toPrice(kind: string): number {
  if (kind === Kind.Book) return 10;
  return 7;
}
`,
  'cloud-functions/price.ts': `import { ulid } from 'ulid';
import { createHash } from 'node:crypto';
import { toPrice } from '../lib/price.ts';
export const onRequest = (): Response => new Response([toPrice('book'), ulid, createHash].length.toString());
export const onRequestDelete = (): Promise<Response> => new Promise((done) => setTimeout(done, 2 ** 30));
`,
  'node_modules/ulid/package.json': '{ "name": "ulid", "main": "index.js" }',
  'node_modules/ulid/index.js': 'exports.ulid = () => 1;',
};

/** What a Node with its test runner prints about one test. Its end proves that nothing keeps the process alive. */
async function runTest(t: ExecutionContext, code: string, flags: readonly string[] = []): Promise<string> {
  const folder = await siteFolder(t, {
    ...SITE,
    'site.test.mjs': `import { test } from 'node:test';
      import { openTestEdge } from ${MODULE};
      test('one', async () => { ${code} });`,
  });
  const { NODE_TEST_CONTEXT: _, NODE_V8_COVERAGE: __, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--test', 'site.test.mjs'], {
    cwd: folder,
    env: { ...env, TMPDIR: await siteFolder(t) },
    timeout: PATIENCE_MS,
  });
  return stdout;
}

test("the coverage of Node's test runner has the lines of the site", async (t) => {
  const report = await runTest(
    t,
    'const edge = await openTestEdge(); await edge.fetch("/price"); await edge.close();',
    ['--enable-source-maps', '--experimental-test-coverage'],
  );

  t.notRegex(report, /Could not report code coverage/);
  t.notRegex(report, /index\.nexthop|node:crypto/);
  t.regex(report, /price\.ts +\|.*\| 5 *\n/);
});

test('a test runner ends though close was forgotten, also after listen, and no folder remains', async (t) => {
  const temporary = await siteFolder(t);
  const report = await runTest(
    t,
    `process.env.TMPDIR = ${JSON.stringify(temporary)};
    const edge = await openTestEdge(); await edge.listen(); await edge.fetch('/price');`,
  );

  t.regex(report, /pass 1\n/);
  t.deepEqual(await readdir(temporary), []);
});

test('a test runner ends after close though a function still waits, whose client has left', async (t) => {
  const report = await runTest(
    t,
    `const edge = await openTestEdge();
    const leaving = new AbortController();
    const left = edge.fetch('/price', { method: 'DELETE', signal: leaving.signal }).catch(() => {});
    await edge.fetch('/price');
    leaving.abort();
    await left;
    await edge.close();`,
  );

  t.regex(report, /pass 1\n/);
});
