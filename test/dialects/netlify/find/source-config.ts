import test from 'ava';
import type { FunctionConfig } from '../../../../src/dialects/netlify/find/declaration.ts';
import { findIn } from '../../../helpers/netlify-findings.ts';

interface GenerationRow {
  readonly title: string;
  readonly text: string;
  readonly file?: string;
  readonly generation: 'modern' | 'lambda';
}

const LIB = {
  'netlify/lib/handler.js': 'export const handler = async () => ({ statusCode: 200 });',
  'netlify/lib/default.js': 'export default () => {}; export const other = 1;',
};

const GENERATIONS: readonly GenerationRow[] = [
  { title: 'a default export', text: 'export default async () => {}', generation: 'modern' },
  { title: 'a default export by name', text: 'const x = () => {}; export { x as default }', generation: 'modern' },
  { title: 'a default of CommonJS', text: 'exports.default = () => {}', generation: 'modern' },
  { title: 'a default of module.exports', text: 'module.exports.default = () => {}', generation: 'modern' },
  { title: 'module.exports as a function', text: 'module.exports = async () => {}', generation: 'modern' },
  { title: 'a handler', text: 'export const handler = async () => {}', generation: 'lambda' },
  { title: 'a handler that is declared', text: 'export async function handler() {}', generation: 'lambda' },
  { title: 'a handler by list', text: 'const handler = () => {}; export { handler }', generation: 'lambda' },
  { title: 'a handler by another name', text: 'function x() {} export { x as handler }', generation: 'lambda' },
  { title: 'a handler taken out', text: 'export const { handler } = make(); const make = 1', generation: 'lambda' },
  { title: 'a handler of elsewhere', text: "export { handler } from '../lib/handler.js'", generation: 'lambda' },
  { title: 'a handler of CommonJS', text: 'exports.handler = async () => {}', generation: 'lambda' },
  { title: 'a handler in quotes', text: "exports['handler'] = async () => {}", generation: 'lambda' },
  { title: 'a handler in module.exports', text: 'module.exports = { handler: async () => {} }', generation: 'lambda' },
  {
    title: 'a handler of both',
    text: 'exports = module.exports = { handler }; function handler() {}',
    generation: 'lambda',
  },
  { title: 'a handler as a method', text: 'module.exports = { async handler() {} }', generation: 'lambda' },
  { title: 'a handler that a compiler lists', text: '0 && (module.exports = { handler })', generation: 'lambda' },
  { title: 'export = of TypeScript', text: 'export = { handler: () => {} }', file: 'a.cts', generation: 'lambda' },
  {
    title: 'a handler beside a default',
    text: 'export default () => {}; export const handler = () => {}',
    generation: 'lambda',
  },
  {
    title: 'a handler by a star beside a default',
    text: "export * from '../lib/handler.js'; export default () => {}",
    generation: 'lambda',
  },
  {
    title: 'a default beside a star without a handler',
    text: "export * from '../lib/default.js'; export default () => {}",
    generation: 'modern',
  },
  {
    title: 'the type of a handler alone',
    text: 'export type handler = string; export type { handler as x } from "y"; export default () => {}',
    generation: 'modern',
  },
  { title: 'JSX', text: 'export default () => <p>{1}</p>', file: 'a.tsx', generation: 'modern' },
  { title: 'JSX in plain JavaScript', text: 'export default () => <p>{1}</p>', file: 'a.js', generation: 'modern' },
  { title: 'a cast', text: 'export default <unknown>(() => {})', file: 'a.mts', generation: 'modern' },
  {
    title: 'decorators of both kinds',
    text: '@tag class A { constructor(@tag x: string) {} accessor y = 1 } export default () => A',
    generation: 'modern',
  },
  {
    title: 'sloppy CommonJS',
    text: 'with (Math) {} exports.default = () => 010',
    file: 'a.cjs',
    generation: 'modern',
  },
  { title: 'nothing at all', text: 'const x = 1', generation: 'lambda' },
];

for (const { title, text, file = 'a.ts', generation } of GENERATIONS) {
  test(`${generation}: ${title}`, async (t) => {
    const found = await findIn(t, { ...LIB, [`netlify/functions/${file}`]: text });

    t.is(found.of('a').generation, generation);
    t.deepEqual(found.reported, []);
    t.deepEqual(found.unread, []);
  });
}

interface ConfigRow {
  readonly title: string;
  readonly text: string;
  readonly config?: Partial<FunctionConfig>;
  /** `line severity message`, with the start of the message. */
  readonly reported?: readonly string[];
}

const PATH = { paths: ['/x'] };
const UNSEEN = 'so Netlify does not see it: write it out as an object';

const CONFIGS: readonly ConfigRow[] = [
  { title: 'a constant', text: "export const config = { path: '/x' };", config: PATH },
  { title: 'with its type', text: "export const config: Config = { path: '/x' };", config: PATH },
  { title: 'by list', text: "const config = { path: '/x' }; export { config };", config: PATH },
  { title: 'by another name', text: "const c = { path: '/x' }; export { c as config };", config: PATH },
  { title: 'of CommonJS', text: "exports.config = { path: '/x' };", config: PATH },
  { title: 'with quoted keys', text: "export const config = { 'path': '/x' };", config: PATH },
  { title: 'with !0 for true', text: 'export const config = { preferStatic: !0 };', config: { preferStatic: true } },
  { title: 'with !1 for false', text: 'export const config = { preferStatic: !1 };', config: { preferStatic: false } },
  {
    title: 'with `as`',
    text: "export const config = { path: '/x' } as const;",
    reported: [`1 warning config is an object with \`as\`, ${UNSEEN}`],
  },
  {
    title: 'with `satisfies`',
    text: "\nexport const config = { path: '/x' } satisfies Config;",
    reported: [`2 warning config is an object with \`satisfies\`, ${UNSEEN}`],
  },
  { title: 'as a call', text: 'export const config = make();', reported: [`1 warning config is a call, ${UNSEEN}`] },
  {
    title: 'as a variable',
    text: "const c = { path: '/x' };\nexport const config = c;",
    reported: [`2 warning config is a variable, ${UNSEEN}`],
  },
  {
    title: 'of elsewhere',
    text: "export { config } from './x';",
    reported: [`warning config is not in this file, ${UNSEEN}`],
  },
  {
    title: 'with a template literal',
    text: 'export const config = {\n path: `/x` };',
    reported: ['2 warning config.path is no literal (a template literal), so Netlify does not see it'],
  },
  {
    title: 'with a variable',
    text: "export const config = { method: 'GET', path: PATH };",
    config: { methods: ['GET'] },
    reported: ['1 warning config.path is no literal (a variable), so Netlify does not see it'],
  },
  {
    title: 'with a call',
    text: "export const config = { path: join('/', 'x') };",
    reported: ['1 warning config.path is no literal (a call), so Netlify does not see it'],
  },
  {
    title: 'with a spread',
    text: "export const config = { ...base, path: '/x' };",
    config: PATH,
    reported: ['1 warning Netlify does not see what is spread into config: write it out'],
  },
  {
    title: 'with a method',
    text: 'export const config = { path() {} };',
    reported: ['1 warning config.path is a method, so Netlify does not see it'],
  },
  {
    title: 'with a sum',
    text: 'export const config = { timeout: 60 * 2 };',
    reported: ['1 warning config.timeout is no literal (an expression), so Netlify does not see it'],
  },
  { title: 'with undefined', text: 'export const config = { path: undefined };' },
];

for (const { title, text, config = {}, reported = [] } of CONFIGS) {
  test(`config: ${title}`, async (t) => {
    const found = await findIn(t, { 'netlify/functions/a.ts': `${text} export default () => {};` });

    t.deepEqual(found.of('a').config, {
      paths: [],
      excludedPaths: [],
      methods: 'any',
      preferStatic: false,
      background: false,
      ...config,
    });
    t.deepEqual(found.reported, reported.map(toReported));
  });
}

function toReported(text: string): string {
  return `netlify/functions/a.ts${/^\d/.test(text) ? ':' : ' '}${text}`;
}

const IN_DEFAULT: readonly { readonly title: string; readonly text: string }[] = [
  { title: 'plain', text: "export default { fetch() {}, config: { path: '/x' } };" },
  { title: 'with types', text: "export default ({ fetch() {}, config: { path: '/x' } }) satisfies Handler;" },
  { title: 'as a variable', text: "const app = { fetch() {}, config: { path: '/x' } } as App; export default app;" },
  { title: 'in CommonJS', text: "exports.default = { fetch() {}, config: { path: '/x' } };" },
];

for (const { title, text } of IN_DEFAULT) {
  test(`config in the default export: ${title}`, async (t) => {
    const found = await findIn(t, { 'netlify/functions/a.ts': text });

    t.deepEqual(found.of('a').config.paths, ['/x']);
    t.deepEqual(found.reported, []);
  });
}

test('config as a named export has precedence over the one in the default export', async (t) => {
  const text = "export const config = { path: '/own' }; export default { fetch() {}, config: { path: '/x' } };";
  const found = await findIn(t, { 'netlify/functions/a.ts': text });

  t.deepEqual(found.of('a').config.paths, ['/own']);
});

test('config of a Lambda handler is reported as not used', async (t) => {
  const text = "export const config = { path: '/x' };\nexport const handler = () => {};";
  const found = await findIn(t, { 'netlify/functions/a.ts': text });

  t.deepEqual(found.of('a').config.paths, []);
  t.regex(found.reported[0] ?? '', /^netlify\/functions\/a\.ts:1 warning config is not used: /);
});

const SCHEDULES: readonly { readonly title: string; readonly text: string; readonly schedule?: string }[] = [
  { title: 'a text', text: "export const handler = schedule('@daily', async () => {});", schedule: '@daily' },
  {
    title: 'a constant',
    text: "const AT = '5 4 * * *'; export const handler = schedule(AT, async () => {});",
    schedule: '5 4 * * *',
  },
  { title: 'by list', text: "const handler = schedule('@daily', () => {}); export { handler };", schedule: '@daily' },
  { title: 'of another function of that name', text: "export const handler = other.schedule('@daily', () => {});" },
];

for (const { title, text, schedule } of SCHEDULES) {
  test(`schedule() around a handler: ${title}`, async (t) => {
    const found = await findIn(t, {
      'netlify/functions/a.ts': `import { schedule } from '@netlify/functions'; ${text}`,
      'netlify/functions/b.ts': `import { schedule as at } from '@netlify/functions'; ${text.replace('= schedule(', '= at(')}`,
      'netlify/functions/c.ts': `import * as all from '@netlify/functions'; ${text.replace('= schedule(', '= all.schedule(')}`,
      'netlify/functions/d.js': `const { schedule } = require('@netlify/functions'); ${text
        .replace('export const handler', 'exports.handler')
        .replace('export { handler }', 'module.exports = { handler }')}`,
    });

    t.deepEqual(
      found.declarations.map(({ generation, config }) => [generation, config.schedule]),
      ['a', 'b', 'c', 'd'].map(() => ['lambda', schedule]),
    );
    t.deepEqual(found.reported, []);
  });
}

test('a schedule() whose times the source does not show is an error, and the function gets no URL', async (t) => {
  const text =
    "import { schedule } from '@netlify/functions'; import { AT } from './at';\nexport const handler = schedule(AT, () => {});";
  const found = await findIn(t, { 'netlify/functions/a.ts': text });

  t.deepEqual(found.declarations, []);
  t.deepEqual(found.reported, [
    'netlify/functions/a.ts:2 error schedule must be a string literal, or a constant of the same file; the function gets no URL',
  ]);
});

test('a file that cannot be parsed is treated as a Lambda function without settings', async (t) => {
  const found = await findIn(t, { 'netlify/functions/a.ts': 'export default () => {};\nconst = 1;' });

  t.is(found.of('a').generation, 'lambda');
  t.like(found.unread[0], { file: 'netlify/functions/a.ts', line: 2, severity: 'warning' });
  t.regex(found.unread[0]?.message ?? '', /^its config cannot be read: [^(]*$/);
});
