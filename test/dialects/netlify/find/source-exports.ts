import test from 'ava';
import { findIn } from '../../../helpers/netlify-findings.ts';

for (const [title, text, reported] of [
  [
    'a function',
    'const x = 1;\nexport async function hanlder() {}',
    '2:1 hanlder is no export that Netlify supports; did you mean handler?',
  ],
  [
    'CommonJS',
    'exports.Handler = async () => {}',
    '1:1 Handler is no export that Netlify supports; did you mean handler?',
  ],
  [
    'settings',
    "export default () => {};\nexport const confg = { path: '/a' };",
    '2:1 confg is no export that Netlify supports; did you mean config?',
  ],
  [
    'what is no setting',
    'export default () => {};\nexport const configs = { a: 1 }; export const confirm = () => {};',
    undefined,
  ],
  [
    'a name beside the right one',
    "export default () => {}; export const config = {}; export const Config = { path: '/a' };",
    undefined,
  ],
  ['a type', "export default () => {}; export type Config = { path: '/a' };", undefined],
  [
    'a helper',
    'export const handle = 1; export const render = () => {};',
    '1:1 handle is no export that Netlify supports; did you mean handler?',
  ],
  ['a name beside a star', "export * from '../lib/handler.js'; export const handlers = {};", undefined],
] as const) {
  test(`an export whose name resembles one of Netlify's is ${reported ? '' : 'not '}reported: ${title}`, async (t) => {
    const { problems, misspelt } = await findIn(t, {
      'netlify/lib/handler.js': 'export const handler = async () => ({ statusCode: 200 });',
      'netlify/functions/a.js': text,
    });

    const found = [...problems, ...misspelt.values()].filter(({ message }) => message.includes('did you mean'));
    t.deepEqual(
      found.map(({ line, column, message }) => `${line}:${column} ${message}`),
      reported === undefined ? [] : [reported],
    );
  });
}
