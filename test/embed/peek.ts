import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import test from 'ava';
import type { BodySource } from '../../src/contract/http-message.ts';
import { HostBody } from '../../src/embed/host-body.ts';
import { express, jsonParser } from '../helpers/host-servers.ts';
import { listen } from '../helpers/listen.ts';

/** How a host reads a body. */
const READERS: Readonly<Record<string, (request: IncomingMessage) => Promise<string>>> = {
  'for await': async (request) => {
    let text = '';
    for await (const piece of request) text += piece;
    return text;
  },
  'listeners of data': (request) =>
    new Promise((resolve) => {
      let text = '';
      request.on('data', (piece) => {
        text += piece;
      });
      request.on('end', () => resolve(text));
    }),
  'a second peek, and a sink': async (request) => {
    const body: BodySource = new HostBody(request);
    const first = await body.peek(() => true);
    return new Promise((resolve, reject) => {
      let text = '';
      body.start({
        onData: (piece) => {
          text += piece;
        },
        onEnd: () => resolve(text.startsWith(String(first)) ? text : `not ${first}`),
        onFailure: reject,
      });
    });
  },
};

for (const [name, read] of Object.entries(READERS)) {
  test(`after a peek a host gets the whole body by ${name}`, async (t) => {
    let seen = 0;
    const url = await listen(
      t,
      createServer(async (request, response) => {
        seen = (await new HostBody(request).peek((content) => content.length > 70_000)).length;
        response.end(await read(request));
      }),
    );
    for (const length of [1, 65_536, 70_001, 1_000_000]) {
      const text = 'x'.repeat(length - 1).concat('y');
      const answer = await fetch(url, { method: 'POST', body: text });
      t.is((await answer.text()).length, length, name);
      t.true(seen >= Math.min(length, 70_001));
    }
  });
}

test('after a peek the JSON parser of Express reads the body', async (t) => {
  const app = express();
  app.use(async (request, _, next) => {
    await new HostBody(request).peek(() => false);
    next();
  });
  app.use(jsonParser());
  app.post('/', (request, response) => response.end(JSON.stringify((request as { body?: unknown }).body)));
  const url = await listen(t, createServer(app));

  const answer = await fetch(url, { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } });

  t.is(await answer.text(), '{"a":1}');
});
