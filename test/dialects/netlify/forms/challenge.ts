import { createServer } from 'node:http';
import test from 'ava';
import { Challenge } from '../../../../src/dialects/netlify/forms/challenge.ts';
import { listen } from '../../../helpers/listen.ts';
import { logFolder } from '../../../helpers/log-folder.ts';
import { refusingPort } from '../../../helpers/refusing-port.ts';

test('a challenge is solved if the verifier confirms it, and counts as solved if the verifier cannot be reached', async (t) => {
  const received: string[] = [];
  const verifier = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += piece;
    received.push(text);
    response.statusCode = text.includes('response=down') ? 500 : 200;
    response.end(JSON.stringify({ success: text.includes('response=good') }));
  });
  const log = (await logFolder(t)).open();
  const challenge = new Challenge('top secret', log, await listen(t, verifier));
  const away = new Challenge('top secret', log, `http://127.0.0.1:${await refusingPort(t)}`);

  t.true(await challenge.isSolved('good', '192.0.2.1'));
  t.false(await challenge.isSolved('bad', '192.0.2.1'));
  t.false(await challenge.isSolved(undefined, '192.0.2.1'));
  t.false(await challenge.isSolved('', '192.0.2.1'));
  t.true(await challenge.isSolved('down', '192.0.2.1'));
  t.true(await away.isSolved('good', '192.0.2.1'));
  t.deepEqual(received.slice(0, 1), ['secret=top+secret&response=good&remoteip=192.0.2.1']);
  t.is(received.length, 3);
});

test.serial('a challenge is checked by the fetch of Node, also if code of the site has replaced it', async (t) => {
  const verifier = createServer((_, response) => response.end('{ "success": false }'));
  const challenge = new Challenge('secret', (await logFolder(t)).open(), await listen(t, verifier));
  const { fetch: before } = globalThis;
  t.teardown(() => {
    globalThis.fetch = before;
  });
  globalThis.fetch = () => Promise.reject(new Error('replaced'));

  t.false(await challenge.isSolved('any', '192.0.2.1'));
});
