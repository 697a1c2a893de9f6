import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { answerOf, CLOSE } from '../helpers/hop-response.ts';
import { scriptedHop } from '../helpers/peer.ts';

test('103 Early Hints and other 1xx responses are forwarded before the final one', async (t) => {
  const answer = await answerOf(
    t,
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>\r\nConnection: X\r\n\r\n' +
      'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  );

  t.true(
    answer.startsWith(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n',
    ),
    answer,
  );
});

test('an HTTP/1.0 client gets no 1xx responses', async (t) => {
  const answer = await answerOf(
    t,
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    {
      request: 'GET / HTTP/1.0\r\nHost: a\r\n\r\n',
    },
  );

  t.true(answer.startsWith('HTTP/1.1 200 OK\r\n'));
});

test('the head is sent before the first byte of the body arrives', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();

  client.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');

  t.regex(await client.readHead(), /\r\nContent-Type: text\/event-stream\r\n/);
});

test('each chunk of an event stream is forwarded before the next one arrives', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });
  const client = await edge.connect();
  client.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.readHead();

  for (const event of ['data: 1', 'data: 2']) {
    hop.peers[0]?.write(`9\r\n${event}\n\n\r\n`);
    t.is(await client.readUntil('\n\n\r\n'), `9\r\n${event}\n\n\r\n`);
  }
});

test('pipelined requests are answered in their order', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      const path = (await peer.readHead()).split(' ')[1] ?? '';
      if (path === '/slow') await new Promise((resolve) => setTimeout(resolve, 50));
      peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
    }
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answers = await edge.exchange(
    `GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\nGET /c HTTP/1.1\r\nHost: a\r\n${CLOSE}`,
  );

  t.deepEqual(
    answers.match(/\r\n\r\n\/[a-z]+/g)?.map((match) => match.trim()),
    ['/slow', '/b', '/c'],
  );
});

test('bytes after the end of a response reach no other client', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison');
    await peer.readHead();
    peer.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const first = await edge.exchange(`GET /1 HTTP/1.1\r\nHost: a\r\n${CLOSE}`);
  const second = await edge.exchange(`GET /2 HTTP/1.1\r\nHost: a\r\n${CLOSE}`);

  t.true(first.endsWith('\r\n\r\nok'));
  t.true(second.endsWith('\r\n\r\nok'), second);
});
