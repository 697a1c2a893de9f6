import test from 'ava';
import { startEdge } from '../helpers/edge.ts';
import { scriptedHop } from '../helpers/peer.ts';

const VALID = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Valid ones and invalid ones, which nexthop does not repair. */
const FIELDS = [
  `traceparent: ${VALID}`,
  `Traceparent:${VALID}`,
  `TRACEPARENT: ${VALID.toUpperCase()}`,
  'traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01',
  'traceparent: ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  `traceparent: ${VALID}\r\ntraceparent: ${VALID}`,
  `traceparent: ${VALID}-more`,
  `traceparent: cc${VALID.slice(2)}-more`,
  'traceparent: ',
  'tracestate: a=1,b=2',
  'tracestate: a=1\r\ntracestate: b=2',
  `tracestate: ${Array.from({ length: 40 }, (_, n) => `k${n}=${n}`).join(',')}`,
  'tracestate: a=1,a=2',
  'baggage: key=value;p=1,other=%20',
  `traceparent: ${VALID}\r\ntracestate: a=${'x'.repeat(600)}\r\nbaggage: user=7`,
  'traceparent: 00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
  `traceparent: ${VALID.slice(0, -2)}00`,
  `traceparent: ${VALID.slice(0, -2)}ff`,
  `traceparent: ${VALID.slice(0, -1)}`,
  `traceparent: ${VALID}0`,
  `traceparent: ${VALID.slice(3)}`,
  `traceparent: 0${VALID}`,
  `traceparent: ${VALID.replaceAll('-', '_')}`,
  `traceparent: ${VALID.replace('af', 'AF')}`,
  `traceparent: ${VALID.replace('af', 'xf')}`,
  `traceparent: 01${VALID.slice(2)}`,
  `traceparent: 01${VALID.slice(2)}.more`,
  `traceparent: ${VALID}, ${VALID}`,
  `traceparent: ${VALID}\r\ntracestate: \r\ntracestate: a=1`,
  'tracestate: a=1,,b=2, ,UPPER=3,a@b=4',
];

test('without an SDK, traceparent, tracestate and baggage reach the hop byte for byte, and access.log has the trace id', async (t) => {
  const heads: string[] = [];
  const hop = await scriptedHop(t, async (peer) => {
    heads.push(await peer.readHead());
    peer.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  const edge = await startEdge(t, { env: { NEXT_HOP: hop.url } });

  for (const fields of FIELDS) {
    await edge.exchange(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\nConnection: close\r\n\r\n`);
    t.true(heads.at(-1)?.includes(`\r\n${fields}\r\n`), fields);
  }

  const ids = (await edge.accessLines(FIELDS.length)).map((line) => line.trace_id);
  const id = '0af7651916cd43dd8448eb211c80319c';
  t.deepEqual(ids, [
    ...[id, id, '', '', '', '', '', id, '', '', '', '', '', '', id],
    ...['', id, id, '', '', '', '', '', '', '', id, '', '', id, ''],
  ]);
  t.is(FIELDS.length, 30);
});
