import test, { type ExecutionContext } from 'ava';
import { forms } from '../../src/cli/forms.ts';
import type { FormsCall } from '../../src/cli/forms-call.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { readConfig } from '../../src/config/config.ts';
import { UserError } from '../../src/contract/user-error.ts';
import type { Submission } from '../../src/dialects/netlify/forms/submission.ts';
import type { Submissions } from '../../src/dialects/netlify/forms/submissions.ts';
import { openStore } from '../../src/stores/open.ts';
import { toSubmissions } from '../helpers/form-site.ts';
import { logFolder } from '../helpers/log-folder.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { runNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { ready } from '../helpers/sqlite-store.ts';

interface Opened {
  readonly site: string;
  readonly submissions: Submissions;
  run(words: string, flags?: Omit<FormsCall, 'words'>): Promise<{ readonly code: number; readonly text: string }>;
}

async function openSite(t: ExecutionContext): Promise<Opened> {
  const site = await siteFolder(t);
  const config = readConfig({ site, env: { STORE_FSYNC: '0' } });
  const store = openStore(config, (await logFolder(t)).open(), { callTimeoutMs: PATIENCE_MS });
  t.teardown(() => store.close());
  return {
    site,
    submissions: toSubmissions(await ready(store)),
    async run(words, flags) {
      const lines: string[] = [];
      const code = await forms(config, (line) => lines.push(line), {
        words: words.split(' ').filter(Boolean),
        ...flags,
      });
      return { code, text: lines.join('\n') };
    },
  };
}

function submission(number: number, parts: Partial<Submission> = {}): Submission {
  return {
    id: `01J000000000000000000000${String(number).padStart(2, '0')}`,
    form: 'contact',
    createdAt: `2026-01-0${number}T00:00:00.000Z`,
    fields: [['name', `n${number}`]],
    files: [],
    ...{
      ip: '192.0.2.1',
      userAgent: 'agent',
      referrer: 'https://site.example/contact',
      siteUrl: 'https://site.example',
    },
    ...parts,
  };
}

const FILE = { field: 'photo', name: 'a b.png', type: 'image/png', size: 3, key: '01J/0f' };
const URL_OF_FILE = 'https://site.example/.netlify/forms/files/01J/0f/a%20b.png';

// Serial: each store has a thread, and many threads that start at once take seconds on a loaded machine.

test.serial('forms lists the newest submissions with their numbers, of all forms or of one', async (t) => {
  const { submissions, run } = await openSite(t);
  t.is((await run('')).text, 'no submissions');
  for (const number of [3, 1, 2]) await submissions.put(submission(number));
  await submissions.put(submission(4, { form: 'news\u001b', fields: [['mail', 'x'.repeat(100)]], files: [FILE] }));

  const all = await run('list', { limit: '2' });
  t.regex(all.text, /^3 contact, 1 news\\x1b\n\n {2}created +form +id +content\n/);
  t.regex(all.text, /2026-01-03.* contact .* n3\n.*2026-01-04.* x{59}…$/);
  t.false(all.text.includes('2026-01-02'));
  const { counts, submissions: listed } = JSON.parse((await run('list contact', { json: true })).text);
  t.deepEqual(counts, { contact: 3 });
  t.deepEqual(
    listed.map(({ id }: Submission) => id.at(-1)),
    ['1', '2', '3'],
  );
});

test.serial('forms show prints all of a submission', async (t) => {
  const { submissions, run } = await openSite(t);
  const { id } = submission(1);
  await submissions.put(submission(1, { fields: [['message', 'one\ntwo']], files: [FILE] }));

  const { text } = await run(`show ${id}`);
  t.true(text.includes(`a b.png, 3 bytes, ${URL_OF_FILE}`));
  t.true(text.endsWith('\n\nmessage\n  one\n  two'));
  t.like(JSON.parse((await run(`show ${id}`, { json: true })).text), {
    id,
    fields: [{ name: 'message', value: 'one\ntwo' }],
    files: [{ field: 'photo', url: URL_OF_FILE }],
  });
  await t.throwsAsync(run('show 01X', { json: true }), { message: /^there is no submission 01X; / });
});

test.serial(
  'forms export writes CSV that a spreadsheet reads and does not run, or a line of JSON for each submission',
  async (t) => {
    const { submissions, run } = await openSite(t);
    await submissions.put(
      submission(1, {
        fields: [
          ['a', '=1+1'],
          ['b', 'x, "y"'],
          ['a', '2'],
        ],
      }),
    );
    await submissions.put(
      submission(2, {
        fields: [
          ['c', '+49 30 123'],
          ['b', '-cmd'],
        ],
        files: [FILE],
      }),
    );
    await submissions.put(submission(3, { form: 'other', fields: [['d', '']] }));

    const { text } = await run('export contact', { csv: true });

    const rest = '192.0.2.1,agent,https://site.example/contact';
    t.deepEqual(text.split('\r\n'), [
      'id,form,created_at,a,b,c,photo,ip,user_agent,referrer',
      `${submission(1).id},contact,2026-01-01T00:00:00.000Z,"'=1+1\n2","x, ""y""",,,${rest}`,
      `${submission(2).id},contact,2026-01-02T00:00:00.000Z,,'-cmd,+49 30 123,${URL_OF_FILE},${rest}\r`,
    ]);
    const lines = (await run('export', { json: true })).text.split('\n');
    t.deepEqual(
      lines.map((line) => JSON.parse(line).form),
      ['contact', 'contact', 'other'],
    );
  },
);

test.serial('forms delete removes submissions and their files', async (t) => {
  const { submissions, run } = await openSite(t);
  const key = `${submission(1).id}/00`;
  await submissions.putFile(
    key,
    (async function* () {
      yield Buffer.from('abc');
    })(),
  );
  await submissions.put(submission(1, { files: [{ ...FILE, key }] }));
  for (const number of [2, 3]) await submissions.put(submission(number));
  await submissions.put(submission(4, { form: 'news' }));

  const deleted = await run(`delete ${submission(1).id} 01X`);
  t.deepEqual(deleted, { code: 1, text: `submission ${submission(1).id} is deleted\nthere is no submission 01X` });
  t.is(await submissions.openFile(key), undefined);
  const unsure = { instanceOf: UsageError, message: /^this would delete 2 submissions of contact, .*: add --yes$/ };
  await t.throwsAsync(run('delete', { all: true, form: 'contact' }), unsure);
  t.is((await run('delete', { all: true, form: 'contact', yes: true })).text, '2 submissions are deleted');
  t.regex((await run('')).text, /^1 news\n/);
  t.is((await run('delete', { all: true, yes: true })).text, '1 submission is deleted');
});

test.serial('forms delete prints JSON, and a mistyped form is reported with the nearest one', async (t) => {
  const { submissions, run } = await openSite(t);
  for (const number of [1, 2, 3]) await submissions.put(submission(number));

  const some = await run(`delete ${submission(1).id} 01X`, { json: true });
  t.deepEqual([some.code, JSON.parse(some.text)], [1, { deleted: 1, missing: ['01X'] }]);
  const nearest = { instanceOf: UserError, message: 'the form "contct" has no submissions; did you mean contact?' };
  for (const [words, flags] of [
    ['list contct', {}],
    ['export contct', { json: true }],
    ['export contct', { csv: true }],
    ['delete', { all: true, yes: true, form: 'contct' }],
  ] as const)
    await t.throwsAsync(run(words, flags), nearest, words);
  t.is((await run('list other')).text, 'no submissions of other; there are some of contact');
  t.deepEqual(JSON.parse((await run('delete', { all: true, yes: true, json: true })).text), { deleted: 2 });
});

test('wrong arguments are refused', async (t) => {
  const { run } = await openSite(t);

  for (const [words, flags] of [
    ['lst', {}],
    ['list a b', {}],
    ['list', { csv: true }],
    ['list', { limit: '0' }],
    ['show', {}],
    ['export', {}],
    ['export', { csv: true, json: true }],
    ['delete', {}],
    ['delete 01X', { all: true }],
    ['delete 01X', { form: 'contact' }],
  ] as const) {
    await t.throwsAsync(run(words, flags), { instanceOf: UsageError }, words);
  }
  const none = readConfig({ site: await siteFolder(t), env: {} });
  await t.throwsAsync(
    forms(none, () => {}, { words: [] }),
    { instanceOf: UserError, message: /there is no store in .*--site=PATH/ },
  );
});

test.serial('the command forms takes its flags and prints to stdout', async (t) => {
  const { site, submissions } = await openSite(t);
  await submissions.put(submission(1));

  const command = await runNexthop(t, { args: ['forms', 'export', 'contact', '--csv', `--site=${site}`] });

  t.is(await command.exited, 0);
  t.regex(command.stdout(), /^id,form,created_at,name,.*\r\n01J0.*,n1,.*\r\n$/);
});
