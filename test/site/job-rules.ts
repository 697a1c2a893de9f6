import test from 'ava';
import type { JobRule } from '../../src/contract/job-rule.ts';
import { openSite } from '../../src/site/site.ts';
import { fixedDialect } from '../helpers/fixed-dialect.ts';
import { project } from '../helpers/project.ts';

test('a site has the job rules of all its dialects', async (t) => {
  const [one, two] = [rule('one/a', 'a.js'), rule('two/a', 'b.js')];

  const site = await openSite(await project(t, {}), [
    fixedDialect({ jobRules: [one] }),
    fixedDialect({}),
    fixedDialect({ jobRules: [two] }),
  ]);

  t.deepEqual(site.jobRules, [one, two]);
  t.deepEqual(site.problems, []);
});

test('of two job rules with one name the first is used, and the other is reported as an error', async (t) => {
  const [first, second] = [rule('one/a', 'a.js'), rule('one/a', 'b.js')];

  const site = await openSite(await project(t, {}), [fixedDialect({ jobRules: [first, second] })]);

  t.deepEqual(site.jobRules, [first]);
  const [problem, ...more] = site.problems;
  t.deepEqual([problem?.severity, problem?.file, more], ['error', 'b.js', []]);
  t.regex(problem?.message ?? '', /called one\/a, as those of a\.js/);
});

function rule(name: string, file: string): JobRule {
  return { name, file, timeoutMs: 0, retryAfterMs: [], run: async () => {} };
}
