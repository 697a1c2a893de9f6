import { createServer } from 'node:http';
import test from 'ava';
import { choosePort } from '../../src/cli/choose-port.ts';
import { listenOnPort } from '../helpers/listen.ts';

const HOST = '127.0.0.1';

test('another port than the default is used if that is taken', async (t) => {
  const taken = await listenOnPort(t, createServer());

  const chosen = await choosePort({ PORT: taken, HOST, given: new Set() });

  t.true(chosen.PORT > taken);
  t.is(chosen.wasTaken, taken);
});

test('a port that was asked for is not replaced', async (t) => {
  const taken = await listenOnPort(t, createServer());

  const chosen = await choosePort({ PORT: taken, HOST, given: new Set(['PORT']) });

  t.deepEqual(chosen, { PORT: taken, wasTaken: undefined });
});
