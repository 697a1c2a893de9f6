import test from 'ava';
import { toLocation } from '../../../src/contract/problem.ts';
import { netlify } from '../../../src/dialects/netlify/netlify.ts';
import { serveDialect } from '../../helpers/dialect-server.ts';

const NO_HANDLER = 'exports neither a default function nor a `handler`; each request to it answers 500';

for (const [title, files, report] of [
  ['without a function', { 'a.ts': 'export const x = 1;' }, `a.ts error ${NO_HANDLER}`],
  ['without any code', { 'a.ts': '' }, `a.ts error ${NO_HANDLER}`],
  ['whose default export is no function', { 'a.ts': 'export default 5;' }, `a.ts error ${NO_HANDLER}`],
  [
    'with a misspelt handler',
    { 'a.ts': 'export const hander = () => 1;' },
    'a.ts:1:1 error hander is no export that Netlify supports; did you mean handler?; each request to it answers 500',
  ],
  [
    'that another one imports',
    { 'a.ts': 'export const x = 1;', 'b/b.ts': 'import "../a"; export default () => {};' },
    `a.ts warning ${NO_HANDLER}; put code that others import into a folder below, such as lib/`,
  ],
] as const) {
  test(`a module ${title} is reported, and each request to it fails`, async (t) => {
    const all = Object.entries<string>(files).map(([name, text]) => [`netlify/functions/${name}`, text] as const);
    const { url, reading } = await serveDialect(t, netlify, Object.fromEntries(all));

    t.is((await fetch(`${url}/.netlify/functions/a`)).status, 500);
    t.deepEqual(
      reading.problems.map((each) => `${toLocation(each)} ${each.severity} ${each.message}`),
      [`netlify/functions/${report}`],
    );
  });
}
