import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { relayLines } from '../../src/process/line-relay.ts';

function open(highWaterMark?: number) {
  const to = new PassThrough(highWaterMark === undefined ? {} : { highWaterMark });
  const received: string[] = [];
  const one = new PassThrough();
  const other = new PassThrough();
  relayLines(one, to);
  relayLines(other, to);
  return { one, other, to, received };
}

test('lines of two processes that arrive in parts do not mix', async (t) => {
  const { one, other, to } = open();
  one.write('first ');
  other.write('second ');
  await turn();
  one.write('line\nthird ');
  other.write('line\n');
  await turn();
  one.end('line without an end');
  await turn();

  t.is(String(to.read()), 'first line\nsecond line\nthird line without an end');
});

test('a process waits while the reader is slow, and loses nothing', async (t) => {
  const { one, to } = open(10);
  one.write('0123456789\n');
  await turn();
  one.write('more\n');
  await turn();
  t.true(one.isPaused());

  let text = '';
  to.on('data', (chunk) => {
    text += chunk;
  });
  for (let n = 0; n < 5; n++) await turn();

  t.is(text, '0123456789\nmore\n');
});

test('a line that never ends does not fill the memory', async (t) => {
  const { one, to } = open();
  to.resume();
  let bytes = 0;
  to.on('data', (chunk) => {
    bytes += chunk.length;
  });
  for (let n = 0; n < 40; n++) {
    one.write(Buffer.alloc(64 * 1024, 'x'));
    await turn();
  }

  t.true(bytes > 1024 * 1024);
});
