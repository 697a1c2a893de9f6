import { AsyncLocalStorage } from 'node:async_hooks';
import test, { type ExecutionContext } from 'ava';
import { HeldResponses } from '../../src/wire/held-responses.ts';
import { wireServer } from '../helpers/wire-server.ts';

/** Responses by their names, with a clock that a test sets. */
function openHeld() {
  const clock = { ms: 1000 };
  const sent: string[] = [];
  const held = new HeldResponses(() => clock.ms);
  const end = (name: string, onSend?: () => void): void => {
    const response = {
      send() {
        sent.push(name);
        onSend?.();
      },
    };
    if (held.isBusy()) held.add(response);
    else response.send();
  };
  return { clock, sent, end };
}

test('responses that end in quick succession are sent in order at the end of the turn, others at once', async (t) => {
  const { clock, sent, end } = openHeld();
  end('first');
  t.deepEqual(sent, ['first']);
  clock.ms += 0.02;
  end('second');
  clock.ms += 0.15;
  end('third');
  t.deepEqual(sent, ['first']);
  await new Promise(setImmediate);
  t.deepEqual(sent, ['first', 'second', 'third']);
  clock.ms += 5;
  end('late');
  t.is(sent.at(-1), 'late');
});

test('held responses do not wait for more work than that of half a millisecond', (t) => {
  const { clock, sent, end } = openHeld();
  for (let at = 0; at < 14; at++) {
    end(String(at));
    clock.ms += 0.04;
  }
  t.is(sent.length, 1);
  end('last');
  t.is(sent.length, 15);
  t.is(sent.at(-1), 'last');
});

test('what is read after a held response does not see the AsyncLocalStorage of a request', async (t) => {
  const { end } = openHeld();
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  storage.run('of a request', () => {
    end('first');
    end('second', () => seen.push(storage.getStore()));
  });
  await new Promise(setImmediate);
  t.deepEqual(seen, [undefined]);
});

const COUNT = 300;

/** Sends many requests at once on two connections, and returns the responses' bodies by their connections. */
async function askAtOnce(t: ExecutionContext, afterEnd: 'abort' | 'nothing') {
  const closed: boolean[] = [];
  const server = await wireServer(t, ({ target }, response) => {
    response.listen({
      drained: () => undefined,
      closed: (isWhole) => closed.push(isWhole),
      clientEnded: () => response.abort(),
    });
    response.head(target.endsWith('9') ? 204 : 200, 'OK', []);
    response.end(target);
    if (afterEnd === 'abort') response.abort();
  });
  const bodies = await Promise.all(
    ['a', 'b'].map(async (name) => {
      const peer = await server.connect();
      peer.end(Array.from({ length: COUNT }, (_, at) => `GET /${name}${at} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
      return [...(await peer.readToEnd()).matchAll(/\r\n\r\n(\/\w+)?(?=HTTP|$)/g)].map(([, body]) => body);
    }),
  );
  return { bodies, closed };
}

for (const afterEnd of ['nothing', 'abort'] as const) {
  test(`every response of a busy server arrives whole and in order, with ${afterEnd} after its end`, async (t) => {
    const { bodies, closed } = await askAtOnce(t, afterEnd);
    for (const [index, name] of ['a', 'b'].entries()) {
      const expected = Array.from({ length: COUNT }, (_, at) => (at % 10 === 9 ? undefined : `/${name}${at}`));
      t.deepEqual(bodies[index], expected);
    }
    t.deepEqual(closed, Array(2 * COUNT).fill(true));
  });
}
