import test, { type ExecutionContext } from 'ava';
import { jobs } from '../../src/cli/jobs.ts';
import { type JobsCall, JobsError } from '../../src/cli/jobs-call.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { type Config, readConfig } from '../../src/config/config.ts';
import type { Queue } from '../../src/contract/store.ts';
import { openStore } from '../../src/stores/open.ts';
import { jobRule } from '../helpers/job-rule.ts';
import { startWorker } from '../helpers/job-worker.ts';
import { logFolder } from '../helpers/log-folder.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { claimSoon, newJob } from '../helpers/prepare-store.ts';
import { runNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { ready } from '../helpers/sqlite-store.ts';

interface Ran {
  readonly code: number;
  readonly text: string;
}

interface Opened {
  readonly config: Config;
  /** The queue of a store that stays open during the command, like that of a running nexthop. */
  readonly queue: Queue;
  run(words: string, flags?: Omit<JobsCall, 'words'>): Promise<Ran>;
}

async function openSite(t: ExecutionContext): Promise<Opened> {
  const config = readConfig({ site: await siteFolder(t), env: { STORE_FSYNC: '0' } });
  const store = openStore(config, (await logFolder(t)).open(), { callTimeoutMs: PATIENCE_MS });
  t.teardown(() => store.close());
  return {
    config,
    queue: (await ready(store)).queue,
    run: (words, flags) => run(config, words, flags),
  };
}

async function run(config: Config, words: string, flags: Omit<JobsCall, 'words'> = {}): Promise<Ran> {
  const lines: string[] = [];
  const code = await jobs(config, (line) => lines.push(line), { words: words.split(' ').filter(Boolean), ...flags });
  return { code, text: lines.join('\n') };
}

async function bury(queue: Queue, reason: string, rule = 'mail'): Promise<string> {
  const id = await queue.push(newJob({ rule }));
  await queue.bury(await claimSoon(queue, { rules: [rule] }), reason);
  return id;
}

// Serial: each store has a thread, and many threads that start at once take seconds on a loaded machine.

test.serial('jobs lists waiting, running and dead jobs, with reasons', async (t) => {
  const { queue, run } = await openSite(t);
  const dead = await bury(queue, 'Error: no post office\n    at send (mail.js:3:9)');
  const running = await queue.push(newJob({ rule: 'netlify/report-background' }));
  await claimSoon(queue, { rules: ['netlify/report-background'], leaseMs: 9_000_000 });
  const waiting = await queue.push(newJob());
  const later = await queue.push(newJob({ dueAtMs: Date.now() + 5_400_000 }));

  const listed = await run('list');
  const { code, text } = await run('');

  t.is(code, 0);
  t.is(
    `\n${text.replaceAll(/ {2}\d+s +/g, '  0s   ')}\n`,
    `
2 waiting, 1 running, 1 dead

  state    age  due       attempts  failures  rule                       id                          reason
  dead     0s   -         1         1         mail                       ${dead}  Error: no post office
  running  0s   lease 2h  1         0         netlify/report-background  ${running}
  waiting  0s   now       0         0         mail                       ${waiting}
  waiting  0s   in 1h     0         0         mail                       ${later}
`,
  );
  t.is(listed.text.replaceAll(/\d+s/g, ''), text.replaceAll(/\d+s/g, ''));
});

test.serial('jobs without a job names the command that lists schedules', async (t) => {
  const { queue, run } = await openSite(t);
  await queue.ledger.counts();

  t.regex((await run('')).text, /^0 waiting, 0 running, 0 dead\nno job waits; "nexthop jobs schedules" lists/);
  t.notRegex((await run('', { json: true })).text, /schedules/);
});

test.serial('jobs filters by options and prints how many more there are', async (t) => {
  const { queue, run } = await openSite(t);
  await bury(queue, 'gave up');
  for (let count = 0; count < 120; count++) await queue.push(newJob({ rule: count % 2 ? 'odd' : 'even' }));
  const rows = (text: string): number => text.split('\n').filter((line) => / {2}(odd|even|mail) {2}/.test(line)).length;

  const usual = (await run('list')).text;
  t.is(rows(usual), 50);
  t.regex(usual, /\nand 71 more: --limit=500 shows more of them$/);
  t.regex((await run('list', { state: 'waiting', limit: '1' })).text, /\nand 119 more: --limit=10 /);
  t.regex((await run('list', { rule: 'odd', limit: '59' })).text, /\nand there are more: --limit=590 /);

  const odd = (await run('list', { rule: 'odd', limit: '60' })).text;
  t.is(rows(odd), 60);
  t.notRegex(odd, /even|more/);
  t.is(rows((await run('list', { state: 'dead' })).text), 1);
  t.is(rows((await run('list', { state: 'dead', rule: 'odd' })).text), 0);
  t.is(rows((await run('list', { limit: '10000' })).text), 121);
});

test.serial('--json prints the same for scripts', async (t) => {
  const { queue, run } = await openSite(t);
  const id = await bury(queue, 'Error: no\n    at x');
  await queue.push(newJob());

  const listed = JSON.parse((await run('list', { json: true, limit: '1' })).text);

  const [job] = listed.jobs;
  t.deepEqual(listed.counts, { waiting: 1, running: 0, dead: 1 });
  t.true(listed.more);
  t.true(Math.abs(Date.parse(job.pushed) - Date.now()) < 10_000 && Date.parse(job.due) > 0);
  t.like(job, {
    id,
    rule: 'mail',
    state: 'dead',
    attempts: 1,
    failures: 1,
    reason: 'Error: no\n    at x',
    payload_bytes: 5,
  });
});

test.serial('show prints all of one job, with the beginning of its body as text', async (t) => {
  const { queue, run } = await openSite(t);
  const payload = Buffer.concat([Buffer.from('{"method":"POST"}\nGrüße\t\x1b[2J'), Buffer.from([0, 255, 7])]);
  const id = await queue.push(newJob({ payload }));
  await queue.again(await claimSoon(queue), 1000, 'Error: no\n    at x');

  const { code, text } = await run(`show ${id}`);

  t.is(code, 0);
  t.is(
    text.replace(/(pushed +).*/, '$1TIME'),
    `  id        ${id}
  rule      mail
  state     waiting
  pushed    TIME
  due       1970-01-01T00:00:01.000Z
  attempts  1
  failures  1
  payload   ${payload.length} bytes

reason
  Error: no
      at x

payload
  {"method":"POST"}
  Grüße\\x09
  … 7 bytes more`,
  );
  const { payload_base64 } = JSON.parse((await run(`show ${id}`, { json: true })).text);
  t.true(Buffer.from(payload_base64, 'base64').equals(payload));
});

test.serial('show hides credentials of a stored request and prints its other headers', async (t) => {
  const { queue, run } = await openSite(t);
  const shown = ['Accept', '*/*', 'Vary', 'Cookie', 'X-Note', 'Authorization'];
  const secret = ['authorization', 'Bearer s3cret', 'Cookie', 's3cret=1', 'Proxy-Authorization', 's3cret'];
  const head = { method: 'POST', rawHeaders: [...shown, ...secret], headers: { 'Set-Cookie': 's3cret=2' } };
  const id = await queue.push(newJob({ payload: Buffer.from(`${JSON.stringify(head)}\nits body`) }));

  const { text } = await run(`show ${id}`);
  const { payload_base64 } = JSON.parse((await run(`show ${id}`, { json: true })).text);

  const printed =
    '{"method":"POST","rawHeaders":["Accept","*/*","Vary","Cookie","X-Note","Authorization",' +
    '"authorization","[13 characters, not shown]","Cookie","[8 characters, not shown]",' +
    '"Proxy-Authorization","[6 characters, not shown]"],"headers":{"Set-Cookie":"[8 characters, not shown]"}}';
  t.true(text.endsWith(`\npayload\n  ${printed}\n  its body`), text);
  t.is(Buffer.from(payload_base64, 'base64').toString(), `${printed}\nits body`);
});

test.serial('retry makes a dead job due, and the worker of a running nexthop claims it', async (t) => {
  const { queue, run } = await openSite(t);
  const id = await bury(queue, 'gave up');
  const ran = Promise.withResolvers<string>();
  await startWorker(t, queue, [jobRule({ run: async (attempt) => ran.resolve(attempt.id) })]);

  t.deepEqual(await run(`retry ${id}`), { code: 0, text: `job ${id} is due now` });

  t.is(await ran.promise, id);
});

test.serial('retry and drop accept several ids, or all dead jobs, also of one rule only', async (t) => {
  const { queue, run } = await openSite(t);
  const [first, second] = [await bury(queue, 'x'), await bury(queue, 'x')];
  for (let count = 0; count < 60; count++) await bury(queue, 'x', count % 2 ? 'odd' : 'even');

  t.deepEqual(await run(`drop ${first} ${second}`), {
    code: 0,
    text: `job ${first} is dropped\njob ${second} is dropped`,
  });
  t.deepEqual(await run('retry', { all: true, rule: 'odd' }), { code: 0, text: '30 dead jobs are due now' });
  t.deepEqual(await queue.ledger.counts(), { waiting: 30, running: 0, dead: 30 });
  await bury(queue, 'x', 'last');
  t.deepEqual(await run('drop', { all: true, rule: 'last' }), { code: 0, text: '1 dead job is dropped' });
  t.deepEqual(await run('retry', { all: true }), { code: 0, text: '30 dead jobs are due now' });
  t.deepEqual(await run('drop', { all: true }), { code: 0, text: '0 dead jobs are dropped' });
});

test.serial('jobs that do not exist or are running are named, and the others are changed', async (t) => {
  const { queue, run } = await openSite(t);
  const dead = await bury(queue, 'x');
  const running = await queue.push(newJob());
  await claimSoon(queue);

  await t.throwsAsync(run('show 01ABC', { json: true }), {
    instanceOf: JobsError,
    message: 'there is no job 01ABC; it may be done, nexthop jobs lists the others',
  });
  t.deepEqual(await run(`drop 01\x1b[2JABC ${running} ${dead}`), {
    code: 1,
    text: [
      'there is no job 01\\x1b[2JABC to drop; nexthop jobs lists those there are',
      `job ${running} is running: drop it when it has ended`,
      `job ${dead} is dropped`,
    ].join('\n'),
  });
});

for (const [words, flags, message] of [
  [
    'my-site',
    {},
    'nexthop jobs has the verbs list, schedules, show, retry, drop, got "my-site"; another site is --site=PATH',
  ],
  ['shwo', {}, 'nexthop jobs has the verbs list, schedules, show, retry, drop, got "shwo"; did you mean show?'],
  ['show', {}, 'say nexthop jobs show ID; got no id'],
  ['show 1 2', {}, 'say nexthop jobs show ID; got 1 2'],
  ['list 1', {}, 'say nexthop jobs list; got 1'],
  ['drop', {}, 'say nexthop jobs drop ID…, or drop --all for every dead job; got no id'],
  ['retry 1', { all: true }, '--all means every dead job and excludes ids, got 1'],
  ['retry 1', { rule: 'x' }, 'with nexthop jobs retry --rule needs --all'],
  ['drop 1', { json: true }, '--json is not for nexthop jobs drop'],
  ['', { state: 'ded' }, '--state is waiting, running, dead, got "ded"'],
  ['', { limit: '0' }, '--limit is a number from 1 to 10000, got "0"'],
  ['', { limit: '1e3' }, '--limit is a number from 1 to 10000, got "1e3"'],
] as const) {
  test(`"jobs ${words}" with ${JSON.stringify(flags)} is refused with the reason`, async (t) => {
    const { run } = await openSite(t);

    await t.throwsAsync(run(words, flags), { instanceOf: UsageError, message });
  });
}

test('a folder without a store is named and not changed', async (t) => {
  const site = await siteFolder(t);

  await t.throwsAsync(run(readConfig({ site, env: {} }), ''), {
    instanceOf: JobsError,
    message: `there is no store in ${site}/.nexthop: nothing has been stored there yet; for another site use --site=PATH, for another folder DATA_DIR\n"nexthop jobs schedules" lists the schedules of the site and their next runs`,
  });
});

test('on the command line jobs exits with 0, or with 1 or 2 and only its error message', async (t) => {
  const { queue, config } = await openSite(t);
  const id = await bury(queue, 'gave up');
  const site = `--site=${config.site}`;

  const [listed, unknown, refused, away, stray] = await Promise.all([
    runNexthop(t, { args: ['jobs', 'list', '--state', 'dead', site] }),
    runNexthop(t, { args: ['jobs', 'show', '01ABC', site] }),
    runNexthop(t, { args: ['jobs', 'drop', site] }),
    runNexthop(t, { args: ['jobs', '--redis-url=redis://:secret@127.0.0.1:1'] }),
    runNexthop(t, { args: ['routes', '--all', config.site] }),
  ]);

  t.is(await listed.exited, 0);
  t.true(listed.output().includes(id));
  t.is(await unknown.exited, 1);
  t.is(unknown.stdout(), '');
  t.regex(unknown.output(), /^nexthop: there is no job 01ABC/);
  t.is(await refused.exited, 2);
  t.is(refused.output(), 'nexthop: say nexthop jobs drop ID…, or drop --all for every dead job; got no id\n');
  t.is(await away.exited, 1);
  t.regex(
    away.output(),
    /^nexthop: Redis at 127\.0\.0\.1:1 cannot be used; check REDIS_URL, and whether this machine reaches it: .*\n$/,
  );
  t.notRegex(away.output(), /secret/);
  t.is(await stray.exited, 2);
  t.is(
    stray.output(),
    'nexthop: routes has no flag --all (a flag of nexthop jobs, blobs, forms); "nexthop routes --help" lists its flags\n',
  );
});
