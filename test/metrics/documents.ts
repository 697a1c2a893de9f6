import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { siteFolder } from '../helpers/site-folder.ts';

const ROOT = join(import.meta.dirname, '../..');
const DEPLOY = join(ROOT, 'examples/deploy');
const NAME = /\b(?:http_(?:server|client)|section_http|nexthop|process|nodejs)_[a-z0-9_]+/g;

/** js-yaml has no types. */
const yaml: { load(text: string): unknown } = createRequire(import.meta.url)('js-yaml');

/** The names of all metrics in the code. */
async function namesInCode(): Promise<Set<string>> {
  const folder = join(ROOT, 'src/metrics');
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
  return new Set(
    texts.flatMap((text) =>
      [...text.matchAll(/'((?:http_(?:server|client)|section_http|nexthop|process|nodejs)_[a-z0-9_]+)'/g)].map(
        ([, name]) => name ?? '',
      ),
    ),
  );
}

function namesIn(text: string): string[] {
  return [...new Set([...text.matchAll(NAME)].map(([name]) => name.replace(/_(bucket|count|sum)$/, '')))];
}

test('docs/metrics.md has each metric of the code, and no other one', async (t) => {
  const page = await readFile(join(ROOT, 'docs/metrics.md'), 'utf8');
  const table = page.slice(page.indexOf('| Metric |'), page.indexOf('The labels have'));
  const code = await namesInCode();

  t.true(code.size > 30);
  t.deepEqual(namesIn(table).toSorted(), [...code].filter((name) => table.includes(name)).toSorted());
  // The parts of the CPU time are only in the text of a scrape.
  const missing = [...code].filter((name) => !table.includes(`\`${name}\``));
  t.deepEqual(missing.toSorted(), ['process_cpu_system_seconds_total', 'process_cpu_user_seconds_total']);
});

for (const name of ['grafana-dashboard.json', 'prometheus-alerts.yaml']) {
  test(`${name} asks only for metrics that nexthop has`, async (t) => {
    const text = await readFile(join(DEPLOY, name), 'utf8');
    const parsed = name.endsWith('.json') ? JSON.parse(text) : yaml.load(text);
    const asked = [...JSON.stringify(parsed).matchAll(/"expr":"((?:[^"\\]|\\.)*)"/g)].flatMap(([, expr]) =>
      namesIn(expr ?? ''),
    );
    const code = await namesInCode();

    t.true(asked.length >= 6);
    t.deepEqual(
      asked.filter((each) => !code.has(each)),
      [],
    );
  });
}

test('promtool accepts the alerts and the queries of the dashboard', async (t) => {
  const run = promisify(execFile);
  const found = await run('promtool', ['--version']).catch(() => undefined);
  if (!found && process.env.CI === undefined) {
    t.log('skipped: promtool is not installed (Debian package prometheus)');
    t.pass();
    return;
  }
  const { stdout } = await run('promtool', ['check', 'rules', join(DEPLOY, 'prometheus-alerts.yaml')]);
  t.regex(stdout, /SUCCESS: 6 rules found/);

  // Each query of the dashboard as a rule, with its variables replaced as Grafana does.
  const dashboard = await readFile(join(DEPLOY, 'grafana-dashboard.json'), 'utf8');
  const queries = [...dashboard.matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map(([, expr = '']) =>
    String(JSON.parse(expr)).replaceAll('$__rate_interval', '5m'),
  );
  const rules = queries.map((expr, at) => ({ record: `query_${at}`, expr }));
  const file = join(await siteFolder(t, {}), 'queries.json');
  await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  const checked = await run('promtool', ['check', 'rules', file]);
  t.regex(checked.stdout, new RegExp(`SUCCESS: ${queries.length} rules found`));
  t.true(queries.length >= 15);
});
