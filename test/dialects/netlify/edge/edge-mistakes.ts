import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { toLocation } from '../../../../src/contract/problem.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { exchange } from '../../../helpers/redirect-server.ts';
import { siteFolder } from '../../../helpers/site-folder.ts';

const PUBLIC = { 'public/admin/a.txt': 'secret', 'public/open.txt': 'open' };
/** It lets every request pass. */
const CODE = 'export default () => {};\n';
const FILE = 'netlify/edge-functions/guard.js';

interface Row {
  readonly title: string;
  /** Of the config in the code; undefined: none. */
  readonly config?: string;
  readonly toml?: string;
  readonly status: number;
  readonly isOfAll?: true;
  readonly reports: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    title: 'a cache that does not exist',
    config: "{ path: '/admin/*', cache: 'x' }",
    status: 500,
    reports: [`${FILE}:2:50 error cache must be "off" or "manual", got "x"; its paths answer 500`],
  },
  {
    title: 'an onError that does not exist',
    config: "{ path: '/admin/*', onError: 'bypas' }",
    status: 500,
    reports: [`${FILE}:2:52 error onError must be "fail", "bypass" or a path, got "bypas"; its paths answer 500`],
  },
  {
    title: 'both in netlify.toml',
    toml: 'cache = "x"\nonError = "x"',
    status: 500,
    reports: [
      'netlify.toml:4 error cache must be "off" or "manual", got "x"; its paths answer 500',
      'netlify.toml:5 error onError must be "fail", "bypass" or a path, got "x"; its paths answer 500',
    ],
  },
  {
    title: 'a rate_limit in netlify.toml',
    toml: '[edge_functions.rate_limit]\nwindow_limit = 5',
    status: 404,
    reports: [
      'netlify.toml:4 error edge_functions[0].rate_limit is no key of an edge function here: its limit is rateLimit in the config of its code; its paths answer 404',
    ],
  },
  {
    title: 'a misspelt limit',
    config: "{ path: '/admin/*', rateLimt: { windowLimit: 5 } }",
    status: 404,
    reports: [
      `${FILE}:2:53 error rateLimt is no setting of an edge function; did you mean rateLimit?; what it limits answers 404`,
    ],
  },
  {
    title: 'a misspelt path',
    config: "{ paths: '/admin/*' }",
    status: 500,
    isOfAll: true,
    reports: [`${FILE}:2:32 error paths is no setting of an edge function; did you mean path?; every path answers 500`],
  },
];

for (const { title, config, toml, status, isOfAll, reports } of ROWS) {
  test(`${title} closes ${isOfAll ? 'every path' : 'the paths of the edge function'} with ${status}`, async (t) => {
    const site = await siteFolder(t, {
      ...PUBLIC,
      [FILE]: CODE + (config ? `export const config = ${config};` : ''),
      ...(toml && { 'netlify.toml': `[[edge_functions]]\nfunction = "guard"\npath = "/admin/*"\n${toml}` }),
    });
    const { edge, ...running } = await startEdge(t, { site });

    t.deepEqual(
      edge.site.problems.map((each) => `${toLocation(each)} ${each.severity} ${each.message}`),
      reports,
    );
    const end = new RegExp(`^HTTP/1\\.1 ${status} `);
    for (const path of ['/admin/a.txt', '//admin/a.txt', '/%61dmin/a.txt']) {
      t.regex(await exchange(running, path), end, path);
    }
    t.regex(await exchange(running, '/open.txt'), isOfAll ? end : /open$/);
  });
}

test('an unknown key that protects nothing is a warning, and the edge function is called', async (t) => {
  const site = await siteFolder(t, {
    ...PUBLIC,
    [FILE]: "export default () => new Response('edge');\nexport const config = { path: '/admin/*', metod: 'GET' };",
  });
  const { edge, ...running } = await startEdge(t, { site });

  t.deepEqual(
    edge.site.problems.map((each) => `${each.severity} ${each.message}`),
    ['warning metod is no setting of an edge function; did you mean method?; it is not used'],
  );
  t.regex(await exchange(running, '/admin/a.txt'), /edge$/);
});

test('a misspelt limit in the config of a function is an error, and the function answers 404', async (t) => {
  const code =
    "export default () => new Response('x');\nexport const config = { path: '/x', rateLimits: { windowLimit: 5 } };";
  const { edge, ...running } = await startEdge(t, { site: await siteFolder(t, { 'netlify/functions/x.mjs': code }) });

  t.deepEqual(
    edge.site.problems.map((each) => `${toLocation(each)} ${each.severity} ${each.message}`),
    [
      'netlify/functions/x.mjs:2:49 error rateLimits is no setting of a function; did you mean rateLimit?; what it limits answers 404',
    ],
  );
  t.regex(await exchange(running, '/x'), /^HTTP\/1\.1 404 /);
});

for (const [title, code, report] of [
  ['is empty', '', 'has no default export that is a function, and no path: every path answers 500'],
  [
    'exports no function',
    'export const guard = 1;',
    'has no default export that is a function, and no path: every path answers 500',
  ],
  [
    'misspells its config',
    `${CODE}export const confg = { path: '/admin/*' };`,
    'has the export confg (did you mean config?), and no path: every path answers 500',
  ],
] as const) {
  test(`an edge function that ${title} closes every path`, async (t) => {
    const { edge, ...running } = await startEdge(t, { site: await siteFolder(t, { ...PUBLIC, [FILE]: code }) });

    t.deepEqual(
      edge.site.problems.map((each) => `${toLocation(each)} ${each.severity} ${each.message}`),
      [`${FILE} error ${report}`],
    );
    for (const path of ['/admin/a.txt', '/open.txt']) t.regex(await exchange(running, path), /^HTTP\/1\.1 500 /, path);
  });
}

test('each mistake of a declaration without a function has its line', async (t) => {
  const toml = '[[edge_functions]]\npath = "/a"\nfuntion = "x"\n[[edge_functions]]\npath = "admin"\nfunction = 5';
  const { edge } = await startEdge(t, { site: await siteFolder(t, { ...PUBLIC, 'netlify.toml': toml }) });

  t.deepEqual(
    edge.site.problems.map((each) => `${toLocation(each)} ${each.message}`),
    [
      'netlify.toml:5 path "admin" must start with "/"; every request is answered 500',
      'netlify.toml:1 edge_functions[0] must name its function (funtion is no key; did you mean function?); its paths answer 500',
      'netlify.toml:4 edge_functions[1] must name its function; its paths answer 500',
    ],
  );
});

test('an edge function without a path is a warning, and the site is open', async (t) => {
  const { edge, ...running } = await startEdge(t, { site: await siteFolder(t, { ...PUBLIC, [FILE]: CODE }) });

  t.deepEqual(
    edge.site.problems.map(({ severity, message }) => `${severity} ${message}`),
    ['warning has no path, in its config or in netlify.toml: it is never called'],
  );
  t.regex(await exchange(running, '/open.txt'), /open$/);
});

const GUARD = "export default () => new Response('no', { status: 401 });";
const PATHS = "export const config = { path: '/admin/*' };";

for (const [title, code, isOfAll] of [
  ['is emptied', '', true],
  ['keeps a comment alone', `// ${GUARD}`, true],
  ['does not export its function', `${GUARD.replace('export default', 'const guard =')}\n${PATHS}`, false],
  ['exports its function by a name', `${GUARD.replace('default', 'const guard =')}\n${PATHS}`, false],
  ['exports a value', `export default 5;\n${PATHS}`, false],
] as const) {
  test(`a reload with an edge function that ${title} is refused, and a start closes ${isOfAll ? 'every path' : 'its paths'}`, async (t) => {
    const site = await siteFolder(t, {
      ...PUBLIC,
      [FILE]: `${GUARD}\n${PATHS}`,
      'netlify/edge-functions/other.js': `${GUARD}\nexport const config = { path: '/other' };`,
    });
    const running = await startEdge(t, { site });
    await writeFile(join(site, FILE), code);

    const { state } = await running.edge.reload();
    const started = await startEdge(t, { site });

    t.is(state, 'kept');
    t.regex(await exchange(running, '/admin/a.txt'), /^HTTP\/1\.1 401 /);
    t.regex(await exchange(running, '/open.txt'), /open$/);
    t.regex(await exchange(started, '/admin/a.txt'), /^HTTP\/1\.1 500 /);
    t.regex(await exchange(started, '/open.txt'), isOfAll ? /^HTTP\/1\.1 500 / : /open$/);
  });
}
