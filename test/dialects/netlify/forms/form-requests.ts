import { createServer } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { configureSqlite } from '../../../helpers/configured-store.ts';
import { type RunningEdge, startEdge } from '../../../helpers/edge.ts';
import { formSite, submissionsIn, submit } from '../../../helpers/form-site.ts';
import { express, jsonParser, startHost } from '../../../helpers/host-servers.ts';
import { listen } from '../../../helpers/listen.ts';
import { PATIENCE_MS } from '../../../helpers/patience.ts';
import { untilResult } from '../../../helpers/until-result.ts';

interface Served extends RunningEdge {
  readonly stored: () => Promise<readonly (readonly [form: string, fields: number, files: number])[]>;
  readonly blobs: () => Promise<number>;
  /** The database of the store. */
  readonly database: () => DatabaseSync;
}

/** A site with the form of CONTACT in front of a hop that answers with what it received. */
async function serve(
  t: ExecutionContext,
  files: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Served> {
  const hop = createServer(async (request, response) => {
    let length = 0;
    for await (const piece of request) length += piece.length;
    response.end(`hop ${request.method} ${request.url} ${length}`);
  });
  const [{ folder }, store, url] = [await formSite(t, files), await configureSqlite(t), await listen(t, hop)];
  const edge = await startEdge(t, { site: folder, env: { ...store.env, NEXT_HOP: url, ...env } });
  const opened = await store.open();
  return {
    ...edge,
    stored: async () =>
      (await submissionsIn(opened)).map(
        ({ form, fields, files: { length } }) => [form, fields.length, length] as const,
      ),
    database: () => {
      const database = new DatabaseSync(join(store.env.DATA_DIR ?? '', 'state.db'), { timeout: PATIENCE_MS });
      t.teardown(() => database.close());
      return database;
    },
    blobs: async () => (await opened.blobs({ objectBytes: 0, totalBytes: 0 }).list('netlify-forms')).blobs.length,
  };
}

const BOUNDARY = 'b0undary';
const part = (name: string, value: string, more = ''): string =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;

function multipart(body: string, { length = Buffer.byteLength(body), path = '/' } = {}): string {
  return `POST ${path} HTTP/1.1\r\nHost: site.example\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`;
}

test('a POST that is no submission goes to the hop with its whole body', async (t) => {
  const { url, exchange, stored } = await serve(t);
  const large = 'x'.repeat(1_000_000);

  for (const [path, body] of [
    ['/login', { user: 'ada', password: 'secret' }],
    ['/thanks', { name: 'Ada', other: 'field' }],
    ['/other', { 'form-name': 'unknown' }],
    ['/', { text: large, 'form-name': 'contact' }],
  ] as const) {
    const text = new URLSearchParams(body).toString();
    const answer = await fetch(url + path, { method: 'POST', body: new URLSearchParams(text) });
    t.is(await answer.text(), `hop POST ${path} ${text.length}`);
  }
  const form = new FormData();
  form.set('file', new File([large], 'a.txt'));
  t.regex(await (await submit(`${url}/upload`, form)).text(), /^hop POST \/upload 100\d{4}$/);
  const json = { method: 'POST', body: '{"form-name":"contact"}', headers: { 'content-type': 'application/json' } };
  t.is(await (await fetch(url, json)).text(), 'hop POST / 23');
  const chunks = 'Transfer-Encoding: chunked\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close';
  const sent = `POST / HTTP/1.1\r\nHost: a\r\n${chunks}\r\n\r\n11\r\nform-name=contact\r\n0\r\n\r\n`;
  t.regex(await exchange(sent), /hop POST \/ 17/);
  t.is(
    await (await fetch(`${url}/`, { method: 'PUT', body: new URLSearchParams({ 'form-name': 'contact' }) })).text(),
    'hop PUT / 17',
  );
  t.deepEqual(await stored(), []);
});

test('a submission without the name of its form is found by its path and its fields', async (t) => {
  const page = (name: string, field: string) =>
    `<form name="${name}" netlify><input name="email"><input name="${field}"></form>`;
  const { url, stored } = await serve(t, {
    'public/two.html': `${page('first', 'one')}${page('second', 'two')}<form name="login"><input name="user"></form>`,
  });

  await submit(`${url}/two`, { email: 'a', two: 'b' });
  await submit(`${url}/two/`, { email: 'a', one: 'b' });
  t.is(await (await submit(`${url}/two`, { user: 'ada' })).text(), 'hop POST /two 8');
  t.is(await (await submit(`${url}/other`, { email: 'a' })).text(), 'hop POST /other 7');

  t.deepEqual(await stored(), [
    ['second', 2, 0],
    ['first', 2, 0],
  ]);
});

test('a function for the path gets the submission, as on the platform', async (t) => {
  const { url, stored } = await serve(t, {
    'netlify/functions/taker.mjs':
      'export default async (request) => new Response(await request.text()); export const config = { path: "/thanks" };',
  });

  t.is(await (await submit(`${url}/thanks`, { 'form-name': 'contact' })).text(), 'form-name=contact');
  t.deepEqual(await stored(), []);
});

test('the name of a form is found also when the body arrives byte by byte, and after other fields', async (t) => {
  const { connect, stored } = await serve(t);
  const peer = await connect();

  for (const character of multipart(
    `${part('name', 'Ada')}${part('form-name', 'contact')}${part('message', 'hi')}--${BOUNDARY}--`,
  )) {
    peer.write(character);
  }

  t.regex(await peer.readToEnd(), /^HTTP\/1\.1 303 See Other\r\n/);
  t.deepEqual(await stored(), [['contact', 2, 0]]);
});

test('malformed and excessive bodies get 400 or 413, and nothing of them stays', async (t) => {
  const { exchange, stored, blobs } = await serve(t);
  const named = part('form-name', 'contact');
  const photo = part('photo', 'x'.repeat(200_000), '; filename="a.png"');
  const many = Array.from({ length: 1100 }, (_, count) => part(`f${count}`, 'x')).join('');
  const files = Array.from({ length: 51 }, (_, count) => part(`f${count}`, 'x', '; filename="x"')).join('');

  for (const [body, expected] of [
    [`${named}${photo}`, 400],
    [`${named}${photo}--${BOUNDARY}\r\nno header`, 400],
    [`${named}${part('form-name', 'other')}--${BOUNDARY}--`, 303],
    [`${named}${many}--${BOUNDARY}--`, 413],
    [`${named}${files}--${BOUNDARY}--`, 413],
    [`${named}${part('message', 'x'.repeat(1024 ** 2 + 1))}--${BOUNDARY}--`, 413],
    [`${named}${part('a', 'x'.repeat(600_000))}${part('b', 'x'.repeat(600_000))}--${BOUNDARY}--`, 413],
  ] as const) {
    t.regex(await exchange(multipart(body)), new RegExp(`^HTTP/1\\.1 ${expected} `), body.slice(-60));
  }
  t.regex(
    await exchange(multipart(`${named}${part('name', 'x'.repeat(2000))}`, { length: 9_000_000 })),
    /^HTTP\/1\.1 413 /,
  );
  t.deepEqual(await stored(), [['contact', 0, 0]]);
  t.is(await blobs(), 0);
});

const unnamed = (more: string, value = 'Z'): string =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data${more}\r\n\r\n${value}\r\n`;

for (const [what, body] of [
  ['without a name', unnamed('')],
  ['with a misspelled name', unnamed('; nme="x"')],
  ['with a name without =', unnamed('; name"x"')],
  ['with a name without a value', unnamed('; name')],
  ['that is a file without a name', unnamed('; filename="x.bin"', 'x'.repeat(200_000))],
  ['that is a file without a name and a file name', unnamed('\r\nContent-Type: application/octet-stream')],
] as const) {
  test(`a part ${what} gets 400, and nothing of its form stays`, async (t) => {
    const { exchange, stored, blobs } = await serve(t);
    const photo = part('photo', 'x'.repeat(200_000), '; filename="a.png"');
    const [named, end] = [part('form-name', 'contact'), `--${BOUNDARY}--`];

    for (const sent of [named + body + end, named + body + photo + end, named + photo + body + end]) {
      t.regex(await exchange(multipart(sent)), /^HTTP\/1\.1 400 /);
    }
    t.deepEqual(await stored(), []);
    t.is(await blobs(), 0);
  });
}

/** An app with the form of CONTACT. `addRoutes`: adds what the app does with requests that nexthop passes. */
async function startFormHost(t: ExecutionContext, addRoutes: (app: ReturnType<typeof express>) => void = () => {}) {
  const [{ folder }, { env }] = [await formSite(t), await configureSqlite(t)];
  return startHost(
    t,
    (handle) => {
      const app = express();
      app.use(handle);
      addRoutes(app);
      return app;
    },
    { site: folder, settings: { DATA_DIR: env.DATA_DIR ?? '' } },
  );
}

test('in a host, a part without a name gets 400, and the host serves on', async (t) => {
  const host = await startFormHost(t);
  const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };

  for (const bad of [unnamed(''), unnamed('; filename="x.bin"')]) {
    const body = `${part('form-name', 'contact')}${bad}--${BOUNDARY}--`;
    t.is((await fetch(`${host.url}/`, { method: 'POST', body, headers })).status, 400);
  }
  t.is((await submit(`${host.url}/`, { 'form-name': 'contact' })).status, 303);
});

for (const [what, refused, kept] of [
  ['event', 'payloads', 0],
  ['submission', 'kv', 1],
] as const) {
  test(`if the store refuses the ${what} of an upload, ${kept} of its files stay`, async (t) => {
    const { exchange, blobs, stored, database } = await serve(t);
    await stored();
    database().exec(`CREATE TRIGGER refuse BEFORE INSERT ON ${refused} BEGIN SELECT RAISE(ABORT, 'refused'); END`);

    const body = `${part('form-name', 'contact')}${part('photo', 'x'.repeat(200_000), '; filename="a.png"')}`;
    t.regex(await exchange(multipart(`${body}--${BOUNDARY}--`)), /^HTTP\/1\.1 50\d /);

    // The job of a stored event stores the submission later. Without an event nothing stays, because the client sends it again.
    t.is(await blobs(), kept);
    t.deepEqual(await stored(), []);
  });
}

test('an upload that breaks off leaves nothing', async (t) => {
  const { connect, stored, blobs, accessLines } = await serve(t);
  const peer = await connect();

  const body = `${part('form-name', 'contact')}${part('photo', 'x'.repeat(2_000_000), '; filename="a.png"')}`;
  peer.write(multipart(body, { length: 4_000_000 }));
  peer.socket.destroySoon();
  await accessLines(1);

  await untilResult(blobs, (count) => count === 0);
  t.deepEqual(await stored(), []);
});

test('more submissions than FORM_RATE in a minute get 429 with Retry-After', async (t) => {
  const { url, stored } = await serve(t, {}, { FORM_RATE: '2' });

  const answers = [];
  for (let count = 0; count < 3; count++) answers.push(await submit(url, { 'form-name': 'contact' }));

  t.deepEqual(
    answers.map(({ status }) => status),
    [303, 303, 429],
  );
  t.regex(answers[2]?.headers.get('retry-after') ?? '', /^\d{1,3}$/);
  t.is((await stored()).length, 2);
});

test('in a host, a POST that is no submission reaches the host with its body', async (t) => {
  const host = await startFormHost(t, (app) => {
    app.use(jsonParser());
    app.post('/api', (request, response) =>
      response.end(JSON.stringify((request as { body?: unknown }).body ?? 'none')),
    );
    app.post('/form', async (request, response) => {
      let text = '';
      for await (const piece of request) text += piece;
      response.end(text);
    });
  });

  const json = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } };
  t.is(await (await fetch(`${host.url}/api`, json)).text(), '{"a":1}');
  t.is(await (await submit(`${host.url}/form`, { a: '1' })).text(), 'a=1');
  t.is((await submit(`${host.url}/form`, { 'form-name': 'contact' })).status, 303);
});

test('a site without forms has no route for them', async (t) => {
  const { edge } = await serve(t, { 'public/contact.html': '<form name="contact"><input name="a"></form>netlify' });

  t.deepEqual(
    edge.site.routes.filter(({ methods }) => methods.includes('POST')),
    [],
  );
  t.regex(edge.site.problems[0]?.message ?? '', /handles submission-created, and no page of the site declares a form/);
});
