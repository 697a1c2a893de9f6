import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { type Peer, scriptedHop } from '../helpers/peer.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
}

async function answerAll(peer: Peer): Promise<void> {
  for (;;) {
    await peer.readHead();
    peer.write(OK);
  }
}

test('1,400 pipelined GETs of one connection use one connection to the hop', async (t) => {
  const hop = await scriptedHop(t, answerAll);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answers = await edge.exchange(
    `${get('/x').repeat(1399)}GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  );

  t.is(answers.match(/HTTP\/1\.1 200 OK\r/g)?.length, 1400);
  t.is(hop.peers.length, 1);
});

test('a pipelined request is sent to the hop after the response to the previous one', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    t.is(peer.rest, '');
    peer.write(OK);
    await peer.readUntil('hi');
    t.is(peer.rest, '');
    peer.write(OK);
    await answerAll(peer);
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answers = await edge.exchange(
    `${get('/1')}POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiDELETE /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  );

  t.is(answers.match(/HTTP\/1\.1 200 OK\r/g)?.length, 3);
  t.is(hop.peers.length, 1);
});

test('bytes after a valid request that are no request do not change its response, and what follows them is not processed', async (t) => {
  const hop = await scriptedHop(t, answerAll);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answers = await edge.exchange(`${get('/good')}\0\0garbage\r\n\r\n${get('/behind')}`);

  t.regex(answers, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nokHTTP\/1\.1 400 /);
  t.is(answers.match(/HTTP\/1\.1 \d/g)?.length, 2);
  t.notRegex(hop.peers[0]?.received ?? '', /behind/);
});

test('HOP_FIRST_BYTE_TIMEOUT applies although NUL bytes follow the request', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    for (;;) {
      const head = await peer.readHead();
      if (!head.startsWith('GET /late')) peer.write(OK);
    }
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url, HOP_FIRST_BYTE_TIMEOUT: '200ms' } });
  for (let times = 0; times < 3; times++) {
    t.regex(await edge.exchange(`${get('/late')}\0\0\0\0`), /^HTTP\/1\.1 504 /);
  }

  t.regex(
    await edge.exchange('GET /late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 504 [\s\S]*hop_timeout/,
  );
  t.regex(await edge.exchange('GET /soon HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /);
});

const CHUNKS = `1;${'x'.repeat(100)}=y\r\na\r\n`.repeat(100);

test('a body with more than 4 KiB of chunk extensions gets 413', async (t) => {
  const hop = await scriptedHop(t, () => undefined);
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answer = await edge.exchange(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`);

  t.regex(answer, /^HTTP\/1\.1 413 [\s\S]*body_too_large/);
});

test('a response with more than 4 KiB of chunk extensions is cut', async (t) => {
  const hop = await scriptedHop(t, async (peer) => {
    await peer.readHead();
    peer.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`);
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  const answer = await edge.exchange(get('/'));

  t.notRegex(answer, /\r\n0\r\n/);
  t.is((await edge.accessLines(1))[0]?.fault, 'hop_bad_answer');
});
