import type { ServerResponse } from 'node:http';
import test from 'ava';
import { Fault } from '../../src/contract/fault.ts';
import { answerFault } from '../../src/http/fault-response.ts';
import { overlayAnswer } from '../../src/http/overlay-response.ts';
import { withExchange } from '../helpers/exchange.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** All ways to write a head with the same headers through Node's response. */
const WAYS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'a flat array': (response) =>
    response.writeHead(201, ['X-A', 'own', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Vary', 'Accept', 'X-B', 'own']),
  'a reason and a flat array': (response) =>
    response.writeHead(201, 'Made', [
      'X-A',
      'own',
      'Set-Cookie',
      'a=1',
      'Set-Cookie',
      'b=2',
      'Vary',
      'Accept',
      'X-B',
      'own',
    ]),
  'an object': (response) =>
    response.writeHead(201, { 'X-A': 'own', 'Set-Cookie': ['a=1', 'b=2'], Vary: 'Accept', 'X-B': 'own' }),
  'setHeader and no writeHead': (response) => {
    response.statusCode = 201;
    response
      .setHeader('X-A', 'own')
      .setHeader('Set-Cookie', ['a=1', 'b=2'])
      .setHeader('Vary', 'Accept')
      .setHeader('X-B', 'own');
  },
  'setHeader and writeHead': (response) => {
    response.setHeader('X-A', 'own').setHeader('Set-Cookie', ['a=1', 'b=2']).setHeader('Vary', 'Accept');
    response.writeHead(201, ['X-B', 'own']);
  },
};

for (const [way, write] of Object.entries(WAYS)) {
  test(`an overlay replaces and adds headers in a head that is written with ${way}`, async (t) => {
    const { exchange, peer } = await withExchange(t, REQUEST);
    overlayAnswer(exchange, {
      headers: [
        ['x-a', 'laid'],
        ['Set-Cookie', 'c=3'],
        ['Vary', 'Cookie'],
        ['X-C', 'laid'],
      ],
    });

    const { response } = exchange.node;
    write(response);
    response.end('body');

    const answer = await peer.readToEnd();
    t.is(answer.split('\r\n')[0], way === 'a reason and a flat array' ? 'HTTP/1.1 201 Made' : 'HTTP/1.1 201 Created');
    const headers = answer.split('\r\n').filter((line) => /^(?:x-.|vary|set-cookie):/i.test(line));
    t.deepEqual(headers.map((line) => line.toLowerCase()).toSorted(), [
      ...['set-cookie: a=1', 'set-cookie: b=2', 'set-cookie: c=3', 'vary: accept', 'vary: cookie'],
      ...['x-a: laid', 'x-b: own', 'x-c: laid'],
    ]);
    t.true(answer.endsWith('body\r\n0\r\n\r\n') || answer.endsWith('\r\n\r\nbody'));
  });
}

test('an overlay has precedence over later ones', async (t) => {
  const { exchange, peer } = await withExchange(t, REQUEST);
  overlayAnswer(exchange, { headers: [['x-a', 'first']] });
  overlayAnswer(exchange, {
    headers: [
      ['X-A', 'second'],
      ['X-B', 'second'],
    ],
  });

  exchange.writeHead(200, '', ['X-A', 'own']);
  exchange.response.end();

  const answer = await peer.readToEnd();
  t.deepEqual(answer.match(/^x-.: .*$/gim), ['X-B: second', 'x-a: first']);
});

test('an overlay applies only to the responses that appliesTo selects', async (t) => {
  const { exchange, peer } = await withExchange(t, REQUEST);
  overlayAnswer(exchange, { headers: [['x-a', 'laid']], appliesTo: ({ route }) => route !== '' });

  exchange.writeHead(200, '', ['X-A', 'own']);
  exchange.response.end();

  t.regex(await peer.readToEnd(), /\r\nX-A: own\r\n/);
});

test('overlays do not apply to the response of a fault', async (t) => {
  const { exchange, peer } = await withExchange(t, REQUEST);
  overlayAnswer(exchange, {
    headers: [
      ['Cache-Control', 'max-age=9'],
      ['x-a', 'laid'],
    ],
  });

  answerFault(exchange, new Fault('function_error'));

  const answer = await peer.readToEnd();
  t.regex(answer, /^HTTP\/1\.1 500 .*\r\nCache-Control: no-store\r\n/s);
  t.notRegex(answer, /x-a/);
});

test('the access line has the Content-Type of the overlay', async (t) => {
  const { exchange, peer } = await withExchange(t, REQUEST);
  exchange.contentType = 'text/plain';
  overlayAnswer(exchange, { headers: [['Content-Type', 'text/html']] });

  exchange.writeHead(200, '', ['Content-Type', 'text/plain']);
  exchange.response.end();

  await peer.readToEnd();
  t.is(exchange.contentType, 'text/html');
});
