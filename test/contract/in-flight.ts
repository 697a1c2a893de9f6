import test from 'ava';
import { InFlightList, type Member } from '../../src/contract/in-flight.ts';

class Entry implements Member {
  nextMember: Member | undefined;
  previousMember: Member | undefined;
}

test('a member is listed until it leaves, newest first', (t) => {
  const list = new InFlightList<Entry>();
  const [first, second, third] = [new Entry(), new Entry(), new Entry()];
  for (const entry of [first, second, third]) list.join(entry);

  list.leave(second);

  t.deepEqual([...list], [third, first]);
  t.is(list.size, 2);
});

test('leaving twice has the effect of leaving once', (t) => {
  const list = new InFlightList<Entry>();
  const [first, second, third] = [new Entry(), new Entry(), new Entry()];
  for (const entry of [first, second, third]) list.join(entry);

  for (const entry of [second, second, first, first, third, third]) list.leave(entry);

  t.is(list.size, 0);
  t.deepEqual([...list], []);
  list.join(first);
  list.leave(second);
  t.deepEqual([...list], [first]);
  t.is(list.size, 1);
});
