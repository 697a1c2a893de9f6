import { randomInt } from 'node:crypto';
import { Socket } from 'node:net';
import test from 'ava';
import { ReceivedBytes } from '../../src/wire/received-bytes.ts';
import { Random } from '../helpers/differential/random.ts';

test('bytes are read in the order in which they were received, whatever the sizes of the pieces', (t) => {
  const seed = randomInt(2 ** 31);
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const input = new ReceivedBytes(new Socket());
  let received = '';
  let read = '';
  for (let count = 0; count < 5000; count++) {
    if (random.oneIn(3) && input.next()) {
      const end = Math.min(input.chunk.length, input.at + 1 + random.below(3000));
      read += input.chunk.toString('latin1', input.at, end);
      input.at = end;
    } else if (random.oneIn(50)) {
      read += input.takeAll().toString('latin1');
    } else {
      const text = String.fromCharCode(65 + random.below(26)).repeat(random.pick([1, 2, 40, 1023, 1024, 1025, 5000]));
      received += text;
      input.add(Buffer.from(text));
    }
    t.is(input.size, received.length - read.length);
  }
  read += input.takeAll().toString('latin1');

  t.true(read === received);
  t.is(input.size, 0);
});

test('a client that sends single bytes cannot make many pieces wait', (t) => {
  const input = new ReceivedBytes(new Socket());
  for (let count = 0; count < 64 * 1024; count++) input.add(Buffer.from('x'));

  let pieces = 0;
  for (; input.next(); pieces++) input.at = input.chunk.length;

  t.true(pieces < 100, `${pieces} pieces`);
});
