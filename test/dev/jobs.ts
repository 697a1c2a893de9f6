import test from 'ava';
import type { JobFact } from '../../src/dev/job-history.ts';
import { DEV_PATH } from '../../src/dev/page-path.ts';
import { browserTest, domOf } from '../helpers/browser.ts';
import { developSite } from '../helpers/dev-session.ts';
import { untilResult } from '../helpers/until-result.ts';

const SITE = {
  'netlify/functions/good.mjs': "export default () => {}; export const config = { schedule: '0 3 * * *' };",
  'netlify/functions/bad.mjs': `export const config = { schedule: '0 3 * * *' };
export default () => { throw new Error('no <b>disk</b> left'); };`,
  'netlify/functions/mail-background.mjs': 'export default () => {};',
};

/** What the live page gets about jobs. */
async function readJobs(url: string): Promise<readonly JobFact[]> {
  const text = await (await fetch(`${url}${DEV_PATH}/requests?after=0`)).text();
  return JSON.parse(text).jobs;
}

function endedJobs(url: string, count: number): Promise<readonly JobFact[]> {
  const haveEnded = (jobs: readonly JobFact[]) =>
    jobs.length === count && jobs.every(({ state }) => state !== 'started');
  return untilResult(() => readJobs(url), haveEnded);
}

function run(url: string, rule: string): Promise<Response> {
  const headers = { 'X-Nexthop-Dev': '1' };
  return fetch(`${url}${DEV_PATH}/run`, { method: 'POST', headers, body: JSON.stringify({ rule }) });
}

test('the live page gets the end of each job, with the reason and the place of a failure', async (t) => {
  const { url } = await developSite(t, SITE);

  for (const rule of ['netlify/good', 'netlify/bad']) t.is((await run(url, rule)).status, 200);
  await fetch(`${url}/.netlify/functions/mail-background`, { method: 'POST' });

  const byRule = new Map((await endedJobs(url, 3)).map((job) => [job.rule, job]));
  t.like(byRule.get('netlify/good'), { state: 'done', reason: undefined });
  t.like(byRule.get('netlify/mail-background'), { state: 'done' });
  t.like(byRule.get('netlify/bad'), {
    state: 'failed',
    reason: 'Error: no <b>disk</b> left',
    place: 'netlify/functions/bad.mjs:2:30',
  });
});

test('a job that has started and not ended is known as well', async (t) => {
  const { url } = await developSite(t, SITE, { env: { JOB_CONCURRENCY: '0' } });

  await run(url, 'netlify/good');

  t.like((await readJobs(url))[0], { rule: 'netlify/good', state: 'started', tookMs: undefined });
});

browserTest('the view of jobs has their last runs, without markup of the site', async (t) => {
  const { url } = await developSite(t, SITE);
  for (const rule of ['netlify/good', 'netlify/bad']) await run(url, rule);
  await endedJobs(url, 2);

  const dom = await domOf(t, `${url}${DEV_PATH}#jobs`);

  t.regex(dom, /netlify\/good<\/code>[\s\S]*?<span class="good">done<\/span> after /);
  t.regex(dom, /<span class="bad">failed<\/span> after [\s\S]*?Error: no &lt;b&gt;disk&lt;\/b&gt; left/);
  t.regex(dom, /<code>netlify\/functions\/bad\.mjs:2:30<\/code>/);
  t.notRegex(dom, /<b>disk/);
});
