import test, { type ExecutionContext } from 'ava';
import { JobHistory, type PrintingJob } from '../../src/dev/job-history.ts';
import { DEV_PATH } from '../../src/dev/page-path.ts';
import { capturePrinted } from '../../src/process/printed-text.ts';
import { browserTest, domOf } from '../helpers/browser.ts';
import { type DevelopedSite, developSite } from '../helpers/dev-session.ts';
import { untilResult } from '../helpers/until-result.ts';

const SITE = {
  'netlify/functions/good.mjs':
    "export default () => console.log('all <i>swept</i>'); export const config = { schedule: '0 3 * * *' };",
  'netlify/functions/bad.mjs': `export const config = { schedule: '0 3 * * *' };
export default () => { throw new Error('no <b>disk</b> left'); };`,
  'netlify/functions/mail-background.mjs': 'export default () => {};',
};

/** What the live page gets about jobs. */
async function readJobs(url: string): Promise<readonly PrintingJob[]> {
  const text = await (await fetch(`${url}${DEV_PATH}/requests?after=0`)).text();
  return JSON.parse(text).jobs;
}

function endedJobs(url: string, count: number): Promise<readonly PrintingJob[]> {
  const haveEnded = (jobs: readonly PrintingJob[]) =>
    jobs.length === count && jobs.every(({ state }) => state !== 'started');
  return untilResult(() => readJobs(url), haveEnded);
}

/** Of the whole process, as in a server: by one test at a time. */
function capture(t: ExecutionContext, { session, site }: DevelopedSite): void {
  const log = session.toLog(undefined);
  t.teardown(capturePrinted({ site, receive: (printed) => log.print(printed), isPassedOn: false }));
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

test.serial('the live page gets what a job has printed, apart from other jobs and runs', async (t) => {
  const developed = await developSite(t, {
    'netlify/functions/loud.mjs': `let runs = 0;
export default () => { console.log('run', ++runs); console.error('more'); }; export const config = { schedule: '@daily' };`,
    'netlify/functions/mail-background.mjs': 'export default async (request) => console.log(await request.text());',
  });
  capture(t, developed);
  const { url } = developed;
  const printed = async (rule: string) => (await readJobs(url)).find((job) => job.rule === rule)?.printed;
  const texts = async (rule: string) => (await printed(rule))?.map(({ level, text }) => `${level} ${text}`).join();

  await run(url, 'netlify/loud');
  await untilResult(
    () => texts('netlify/loud'),
    (all) => all === 'info run 1,error more',
  );
  await run(url, 'netlify/loud');
  await fetch(`${url}/.netlify/functions/mail-background`, { method: 'POST', body: 'to Ada' });

  t.is(
    await untilResult(
      () => texts('netlify/loud'),
      (all) => all === 'info run 2,error more',
    ),
    'info run 2,error more',
  );
  t.is(await untilResult(() => texts('netlify/mail-background'), Boolean), 'info to Ada');
});

test('the history of jobs keeps the last lines of the last jobs', (t) => {
  const history = new JobHistory();
  for (let line = 0; line < 300; line++) history.print('a', { level: 'info', text: String(line) });
  history.end({ rule: 'r', id: 'a', state: 'done' });

  t.deepEqual([history.all[0]?.printed.length, history.all[0]?.printed[0]?.text], [200, '100']);
  for (let job = 0; job < 100; job++) history.print(`b${job}`, { level: 'info', text: '' });
  t.deepEqual(history.all[0]?.printed, []);
});

test('a job that has started and not ended is known as well', async (t) => {
  const { url } = await developSite(t, SITE, { env: { JOB_CONCURRENCY: '0' } });

  await run(url, 'netlify/good');

  t.like((await readJobs(url))[0], { rule: 'netlify/good', state: 'started', tookMs: undefined });
});

browserTest('the view of jobs has their last runs, without markup of the site', async (t) => {
  const developed = await developSite(t, SITE);
  capture(t, developed);
  const { url } = developed;
  for (const rule of ['netlify/good', 'netlify/bad']) await run(url, rule);
  await endedJobs(url, 2);

  const dom = await domOf(t, `${url}${DEV_PATH}#jobs`);

  t.regex(dom, /netlify\/good<\/code>[\s\S]*?<span class="good">done<\/span> after /);
  t.regex(dom, /<span class="bad">failed<\/span> after [\s\S]*?Error: no &lt;b&gt;disk&lt;\/b&gt; left/);
  t.regex(dom, /<code>netlify\/functions\/bad\.mjs:2:30<\/code>/);
  t.regex(
    dom,
    /<pre class="printed"><span class="info"><i>[\d:.]+ <\/i>all &lt;i&gt;swept&lt;\/i&gt;\n<\/span><\/pre>/,
  );
  t.notRegex(dom, /<b>disk/);
});
