import test from 'ava';
import { salvageConfig } from '../../../../src/dialects/netlify/find/salvaged-config.ts';

const BROKEN = "export default () => { return new Response('x' };\n";

for (const [title, text, expected] of [
  ['before the mistake', `export const config = { path: '/a' };\n${BROKEN}`, { path: '/a' }],
  [
    'with a type, comments and braces in texts',
    `${BROKEN}export const config: Config = {\n  // }\n  path: ['/a', '/b/{c}'], /* } */ method: "POST",\n};`,
    { path: ['/a', '/b/{c}'], method: 'POST' },
  ],
  ['in the default export', `export default {\n  fetch: () => ],\n  config: { path: '/a' },\n};`, { path: '/a' }],
  ['of CommonJS', `exports.default = () => ];\nexports.config = { path: '/a' };`, { path: '/a' }],
  ['with the mistake in it', `export const config = { path: '/a' method: 'GET' };`, { path: ['/a'] }],
  [
    'with a list and the mistake in it',
    `export const config = { path: ['/a', "/b"] method: 'GET' };`,
    { path: ['/a', '/b'] },
  ],
  ['that never ends', `export const config = { path: '/a', method: [`, { path: ['/a'] }],
  ['without a path', `${BROKEN}export const config = { preferStatic: true };`, { preferStatic: true }],
  ['whose path the parser of the platform does not see, either', `${BROKEN}export const config = { path: PATH };`, {}],
  ['that does not exist', BROKEN, {}],
  ['in another form', `${BROKEN}const settings = { path: '/a' };\nexport { settings as config };`, 'lost'],
  ['with the mistake in its path', `export const config = { path: '/a };`, 'lost'],
] as const) {
  test(`of a text that cannot be parsed, the config ${title} is ${expected === 'lost' ? 'lost' : 'read'}`, async (t) => {
    const found = await salvageConfig(text, 'a.ts');

    t.deepEqual(
      found === 'lost' ? found : Object.fromEntries([...found].map(([key, { value }]) => [key, value])),
      expected,
    );
  });
}

test('values have the lines and columns of the file', async (t) => {
  const found = await salvageConfig(`${BROKEN}export const config = {\n  path: '/a',\n};`, 'a.ts');

  t.like(found === 'lost' ? {} : found.get('path'), { file: 'a.ts', line: 3, column: 9 });
});
