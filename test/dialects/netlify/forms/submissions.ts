import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { CONFIGURED_STORES, configureRedis, configureSqlite } from '../../../helpers/configured-store.ts';
import { startEdge } from '../../../helpers/edge.ts';
import { CONTACT, formSite, submissionsIn, submit } from '../../../helpers/form-site.ts';
import { untilResult } from '../../../helpers/until-result.ts';

const ADA = { name: 'Ada Lovelace', email: 'ada@site.example', message: 'Hello <b>there</b>' };

for (const [name, prepare] of Object.entries(CONFIGURED_STORES)) {
  test(`${name}: a submission is stored, answered with the thank-you page, and given to submission-created`, async (t) => {
    const site = await formSite(t);
    const { env, open } = await prepare(t);
    const { url } = await startEdge(t, { site: site.folder, env: { ...env, URL: 'https://site.example' } });

    const answer = await submit(`${url}/thanks`, { ...ADA, 'bot-field': '' }, { referer: `${url}/contact` });

    t.is(answer.status, 303);
    t.is(answer.headers.get('location'), '/thanks');
    const [event] = await site.untilEvents(1);
    const [stored, ...others] = await submissionsIn(await open());
    t.deepEqual(others, []);
    t.deepEqual(stored?.fields, [...Object.entries(ADA), ['bot-field', '']]);
    t.like(stored, { form: 'contact', ip: '127.0.0.1', referrer: `${url}/contact`, siteUrl: 'https://site.example' });
    t.deepEqual(event?.site, { id: '', name: '', url: 'https://site.example', admin_url: '' });
    t.deepEqual(Object.keys(event?.payload ?? {}), [
      ...['title', 'email', 'name', 'first_name', 'last_name', 'company', 'summary', 'body', 'data', 'created_at'],
      ...['human_fields', 'ordered_human_fields', 'id', 'form_id', 'site_url', 'form_name'],
    ]);
    t.like(event?.payload, {
      ...{ title: 'Ada Lovelace', email: 'ada@site.example', name: 'Ada Lovelace', first_name: 'Ada' },
      ...{ last_name: 'Lovelace', company: null, body: ADA.message, form_name: 'contact', id: stored?.id },
      summary: '<strong>Ada Lovelace</strong> Hello &#60;b&#62;there&#60;/b&#62;',
      human_fields: { 'Your name': ADA.name, 'E-mail': ADA.email, Message: ADA.message },
    });
    t.like(event?.payload.data, { ...ADA, ip: '127.0.0.1', referrer: `${url}/contact` });
  });

  test(`${name}: an uploaded file is stored, and its URL in the event sends it as a download`, async (t) => {
    const site = await formSite(t);
    const { env, open } = await prepare(t);
    const { url } = await startEdge(t, { site: site.folder, env: { ...env, BLOBS_REDIS: '1' } });
    const bytes = Buffer.alloc(3_000_000, 'abc');
    const form = new FormData();
    form.set('form-name', 'contact');
    form.set('name', 'Ada');
    form.set('photo', new File([bytes], '../ein "Bild" 報.html', { type: 'text/html' }));

    t.is((await submit(url, form)).status, 303);

    const [event] = await site.untilEvents(1);
    const { photo } = (event?.payload.data ?? {}) as { readonly photo: Readonly<Record<string, string>> };
    t.like(photo, { filename: 'ein %22Bild%22 報.html', type: 'text/html', size: 3_000_000 });
    t.true(photo.url?.startsWith(`${url}/.netlify/forms/files/`));
    t.like(event?.payload.human_fields, { Photo: photo.url });
    // On a loaded machine a store may take longer than a request waits for it.
    const answer = await untilResult(
      () => fetch(photo.url ?? ''),
      ({ status }) => status !== 503,
    );
    t.true(Buffer.from(await answer.arrayBuffer()).equals(bytes));
    t.is(answer.headers.get('x-content-type-options'), 'nosniff');
    t.regex(answer.headers.get('content-disposition') ?? '', /^attachment; filename\*=UTF-8''ein%20%2522Bild%2522%20/);
    t.regex(answer.headers.get('content-security-policy') ?? '', /sandbox/);
    t.is((await submissionsIn(await open()))[0]?.files.length, 1);
    t.is(
      (await fetch((photo.url ?? '').replace(/[0-9a-f](?=\/[^/]+$)/, (digit) => (digit === '0' ? '1' : '0')))).status,
      404,
    );
  });
}

test('a filled honeypot gets the same answer, and nothing is stored', async (t) => {
  const site = await formSite(t);
  const { env, open } = await configureSqlite(t);
  const { url } = await startEdge(t, { site: site.folder, env });
  const form = new FormData();
  for (const [name, value] of Object.entries({ 'form-name': 'contact', 'bot-field': 'x' })) form.set(name, value);
  form.set('photo', new File(['x'], 'x.png'));

  const answers = [await submit(url, form), await submit(url, { 'form-name': 'contact', 'bot-field': 'x' })];

  t.deepEqual(
    answers.map(({ status, headers }) => [status, headers.get('location')]),
    [
      [303, '/thanks'],
      [303, '/thanks'],
    ],
  );
  const store = await open();
  t.deepEqual(await submissionsIn(store), []);
  t.deepEqual((await store.blobs({ objectBytes: 0, totalBytes: 0 }).list('netlify-forms')).blobs, []);
  t.deepEqual(await store.queue.ledger.counts(), { waiting: 0, running: 0, dead: 0 });
});

test('a form without action gets the built-in page, which leads back; an AJAX request gets it, too', async (t) => {
  const site = await formSite(t, {
    'public/news.html': CONTACT.replaceAll('contact', 'news').replace('action="/thanks"', ''),
  });
  const { env } = await configureSqlite(t);
  const { url } = await startEdge(t, { site: site.folder, env });

  const native = await submit(`${url}/news`, { email: 'a@b.example' }, { referer: `${url}/news?a=1` });
  t.is(native.status, 200);
  t.is(native.headers.get('content-type'), 'text/html; charset=utf-8');
  t.regex(await native.text(), /<a href="\/news\?a=1">/);
  const twice = await submit(`${url}/news`, { email: 'a' }, { referer: `${url}//other.example/"><x` });
  t.regex(await twice.text(), /<a href="\/other\.example\/[^"<]*">Back/);
  const ajax = await submit(
    url,
    { 'form-name': 'news' },
    { accept: 'application/json', referer: 'https://other.example/' },
  );
  t.is(ajax.status, 200);
  t.regex(await ajax.text(), /<a href="\/">/);
});

test('of a redirect that fetch follows the thank-you page is the answer', async (t) => {
  const site = await formSite(t, { 'public/thanks.html': 'thanks!' });
  const { env } = await configureSqlite(t);
  const { url } = await startEdge(t, { site: site.folder, env });

  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams({ ...ADA, 'form-name': 'contact' }) });

  t.is(await answer.text(), 'thanks!');
});

test('values with one name are a list in the event, and a text for people', async (t) => {
  const site = await formSite(t);
  const { env } = await configureSqlite(t);
  const { url } = await startEdge(t, { site: site.folder, env });
  const form = new FormData();
  form.append('form-name', 'contact');
  for (const value of ['one', 'two']) form.append('topic_ids', value);

  await submit(url, form);

  const [event] = await site.untilEvents(1);
  t.like(event?.payload.data, { topic_ids: ['one', 'two'] });
  t.deepEqual(event?.payload.human_fields, { 'Topic Ids': 'one, two' });
});

test('two containers on one Redis store each submission once, and one of them runs its event', async (t) => {
  const site = await formSite(t);
  const { env, open } = await configureRedis(t);
  const edges = await Promise.all([1, 2].map(() => startEdge(t, { site: site.folder, env })));

  for (let count = 0; count < 10; count++) {
    t.is((await submit(`${edges[count % 2]?.url}/`, { 'form-name': 'contact', name: `n${count}` })).status, 303);
  }

  const names = (await site.untilEvents(10)).map(({ payload }) => payload.name).toSorted();
  t.deepEqual(
    names,
    Array.from({ length: 10 }, (_, count) => `n${count}`),
  );
  t.is((await submissionsIn(await open())).length, 10);
});

test('a submission that cannot be stored gets 503, and after that the store takes the next one', async (t) => {
  const site = await formSite(t);
  const room = await configureRedis(t);
  const { url } = await startEdge(t, { site: site.folder, env: room.env });
  t.is((await submit(url, { 'form-name': 'contact', name: 'first' })).status, 303);

  const letGo = await room.hold();
  t.is((await submit(url, { 'form-name': 'contact', name: 'second' })).status, 503);
  await letGo();

  await untilResult(
    () => submit(url, { 'form-name': 'contact', name: 'third' }),
    ({ status }) => status === 303,
  );
  const store = await room.open();
  const names = (await submissionsIn(store)).map(({ fields }) => fields[0]?.[1]);
  t.deepEqual([names[0], names.at(-1)], ['first', 'third']);
});

test('every handler of the event gets a submission, by name and by method, and a reload finds new forms', async (t) => {
  const site = await formSite(t);
  const append = `import { appendFileSync } from 'node:fs'; const note = (payload) => appendFileSync(${JSON.stringify(site.eventsFile)}, JSON.stringify({ payload }) + '\\n');`;
  const functions = {
    'submission-created-background.mjs': `${append} export const handler = async ({ body }) => note({ by: 'lambda', form: JSON.parse(body).payload.form_name });`,
    'others.mjs': `${append} export default { formSubmitted: (event) => note({ by: 'method', event }), fetch: () => new Response('') };`,
    'deploy-succeeded.mjs': `${append} export default { formSubmitted: ({ data }) => note({ by: 'other name', a: data.a }), deploySucceeded() {} };`,
  };
  for (const [name, text] of Object.entries(functions))
    await writeFile(join(site.folder, 'netlify/functions', name), text);
  const { env } = await configureSqlite(t);
  const { url, edge } = await startEdge(t, { site: site.folder, env });
  await writeFile(join(site.folder, 'public/late.html'), '<form name="late" netlify><input name="a"></form>');
  t.is((await edge.reload()).state, 'exchanged');

  t.is((await submit(`${url}/late`, { a: '1' })).status, 200);

  const events = await site.untilEvents(4);
  const by = events
    .map(({ payload }) => payload)
    .toSorted((left, right) => (String(left.by) < String(right.by) ? -1 : 1));
  t.deepEqual(by[0], { by: 'lambda', form: 'late' });
  t.like(by[1], { by: 'method', event: { data: { a: '1' } } });
  t.deepEqual(by[2], { by: 'other name', a: '1' });
  t.is(by[3]?.form_name, 'late');
});
