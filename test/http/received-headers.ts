import type { Socket } from 'node:net';
import test from 'ava';
import { ReceivedHeaders } from '../../src/http/received-headers.ts';
import { ClientRequest } from '../../src/wire/client-request.ts';

test('the headers of a call stay as they were when later code replaces those of the request', (t) => {
  const request = received();
  const headers = new ReceivedHeaders(request);
  const read = new ReceivedHeaders(request);
  t.is(read.get('x-a'), '1, 2');
  request.replaceHeaders(['Host', 'a', 'X-A', '3']);

  t.is(headers.get('x-a'), '1, 2');
  t.deepEqual(headers.list, ['Host', 'a', 'X-A', '1', 'x-a', '2']);
  t.deepEqual(read.list, headers.list);
  t.is(new ReceivedHeaders(request).get('x-a'), '3');
  request.replaceHeaders(['Host', 'a']);
  t.is(headers.get('x-a'), '1, 2');
});

test('the headers of a call are those that an earlier filter has set', (t) => {
  const request = received();
  request.replaceHeaders(['Host', 'a', 'X-A', '3']);
  const headers = new ReceivedHeaders(request);
  request.replaceHeaders(['Host', 'a']);

  t.is(headers.get('x-a'), '3');
  t.deepEqual(headers.list, ['Host', 'a', 'X-A', '3']);
});

function received(): ClientRequest {
  const text = 'GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2';
  return new ClientRequest(text, { maxHeaders: 10, encrypted: false }, {} as Socket); // is not used
}
