import test, { type ExecutionContext } from 'ava';
import type { RequestId } from '../../src/contract/request-id.ts';
import { RequestIds } from '../../src/http/request-id.ts';
import { receive } from '../helpers/received-request.ts';

const IDS = new RequestIds();

async function idOf(t: ExecutionContext, headers: readonly string[]): Promise<RequestId> {
  return receive(t, ['GET / HTTP/1.1', 'Host: a', ...headers, '', ''].join('\r\n'), (request) => IDS.of(request));
}

test("the platform's id has precedence over a general one", async (t) => {
  const id = await idOf(t, ['X-Request-Id: general', 'Section-IO-Id: platform']);

  t.deepEqual(id, { value: 'platform', name: 'section-io-id', made: false });
});

test('a general id is kept', async (t) => {
  t.deepEqual(await idOf(t, ['X-Request-ID: a-b~!']), { value: 'a-b~!', name: 'x-request-id', made: false });
});

test('an id of 128 characters is kept', async (t) => {
  t.is((await idOf(t, [`section-io-id: ${'a'.repeat(128)}`])).value, 'a'.repeat(128));
});

test('a request without an id gets one of 32 hex digits', async (t) => {
  const first = await idOf(t, []);
  const second = await idOf(t, []);

  t.like(first, { name: 'x-request-id', made: true });
  t.regex(first.value, /^[0-9a-f]{32}$/);
  t.not(first.value, second.value);
});

test('two processes make different ids', async (t) => {
  const [first, second] = await Promise.all(
    [new RequestIds(), new RequestIds()].map((ids) =>
      receive(t, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', (request) => ids.of(request)),
    ),
  );

  t.not(first?.value, second?.value);
});

const INVALID: readonly (readonly [what: string, headers: readonly string[]])[] = [
  ['empty', ['x-request-id:']],
  ['129 characters long', [`x-request-id: ${'a'.repeat(129)}`]],
  ['of two words', ['x-request-id: a b']],
  ['given twice', ['x-request-id: a', 'x-request-id: b']],
  ['not ASCII', ['x-request-id: caf\xe9']],
];

for (const [what, headers] of INVALID) {
  test(`an id that is ${what} is replaced`, async (t) => {
    t.true((await idOf(t, headers)).made);
  });
}

test("an invalid platform's id is ignored and the general one is used", async (t) => {
  t.is((await idOf(t, ['section-io-id: a b', 'x-request-id: general'])).value, 'general');
});
