import { posix } from 'node:path';
import test from 'ava';
import { Fault } from '../../src/contract/fault.ts';
import { KeptValues } from '../../src/contract/kept-values.ts';
import { shareGuardedPaths, toGuardedPaths } from '../../src/http/guarded-paths.ts';
import { Random } from '../helpers/differential/random.ts';

/** Ways in which servers read a target: each must be among the guarded paths. */
const READERS: Readonly<Record<string, (target: string) => string>> = {
  'as received': (target) => target,
  decoded: decodeURIComponent,
  'decoded, then normalized': (target) => posix.normalize(decodeURIComponent(target)),
  'normalized, then decoded': (target) => decodeURIComponent(posix.normalize(target)),
  'a URL, decoded': (target) => decodeURIComponent(new URL(target, 'http://localhost').pathname),
  'a URL of the whole text, decoded': (target) => decodeURIComponent(new URL(`http://localhost${target}`).pathname),
  'a URL, decoded, then normalized': (target) =>
    posix.normalize(decodeURIComponent(new URL(target, 'http://localhost').pathname)),
  'decoded, then a URL': (target) =>
    new URL(`http://localhost${decodeURIComponent(target)}`).pathname.replaceAll('%2F', '/'),
  'decoded twice, backslashes as slashes, then normalized': (target) =>
    posix.normalize(decodeURIComponent(decodeURIComponent(target)).replaceAll('\\', '/')),
};

const SEGMENTS = [
  'a',
  'admin',
  '.',
  '..',
  '',
  '%2e',
  '%2e%2e',
  '.%2E',
  'x%2fy',
  'x%5cy',
  'x\\y',
  '%252e%252e',
  '%61dmin',
  '..%2fb',
];

function readBy(reader: (target: string) => string, target: string): string | undefined {
  try {
    return reader(target);
  } catch {
    // This server refuses the target.
    return undefined;
  }
}

for (const [name, reader] of Object.entries(READERS)) {
  test(`a path that a server reads ${name} is guarded`, (t) => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = new Random(seed);
    for (let count = 0; count < 5000; count++) {
      const segments = Array.from({ length: 1 + random.below(7) }, () => random.pick(SEGMENTS));
      const target = `/${segments.join('/')}`;
      const reading = readBy(reader, target);
      if (reading === undefined || toGuardedPaths(target).includes(reading)) continue;
      t.fail(`${target} is read as ${reading}, which is none of ${toGuardedPaths(target).join(' ')} (seed ${seed})`);
      return;
    }
    t.pass();
  });
}

test('a plain path has one reading', (t) => {
  t.deepEqual(toGuardedPaths('/a/b.txt?c=/../d'), ['/a/b.txt']);
});

test('the readings of a long path are few', (t) => {
  const target = `/${SEGMENTS.join('/').repeat(12)}`;

  t.true(toGuardedPaths(target).length < 200, String(toGuardedPaths(target).length));
});

test('a long path that can be read in very many ways is refused', (t) => {
  t.throws(() => toGuardedPaths(`/${SEGMENTS.join('/').repeat(60)}`), { code: 'bad_path' });
});

test('a long path with other URLs in it, encoded twice, is read', (t) => {
  const url = encodeURIComponent(encodeURIComponent('https://host.example/a//b/./c?next=/d'));

  t.true(toGuardedPaths(`/img/${url.repeat(200)}`).includes(`/img/${decodeURIComponent(url).repeat(200)}`));
});

test.serial('whatever a path of 32 KB contains, its readings take a bounded number of steps', (t) => {
  const parts = [...SEGMENTS, '%255c', '%5c..%5c', '\\..\\', '%2525%32%65', '%E4%BD%A0', '%zz', '%00', '%3f'];
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = new Random(seed);
  for (let count = 0; count < 50; count++) {
    const some = Array.from({ length: 1 + random.below(8) }, () => random.pick(parts));
    const segments = Array.from({ length: 8000 }, () => random.pick(some));
    const target = `${random.pick(['/', '//h/'])}${segments.join('/')}`.slice(0, 32 * 1024);
    const { steps, characters } = countSteps(() => toGuardedPaths(target));
    t.true(steps < 1_000_000, `${steps} steps for ${some.join(' ')} (seed ${seed})`);
    t.true(characters < 200_000, `${characters} characters for ${some.join(' ')} (seed ${seed})`);
  }
});

/** How many characters `read` looks at one by one, and how many its readings have; none if it refuses the path. */
function countSteps(read: () => readonly string[]): { readonly steps: number; readonly characters: number } {
  const { charCodeAt } = String.prototype;
  let steps = 0;
  let characters = 0;
  function counted(this: string, at: number): number {
    steps++;
    return charCodeAt.call(this, at);
  }
  Object.assign(String.prototype, { charCodeAt: counted });
  try {
    for (const path of read()) characters += path.length;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  } finally {
    Object.assign(String.prototype, { charCodeAt });
  }
  return { steps, characters };
}

test('all filters of a request get the readings that the first one has made', (t) => {
  const kept = new KeptValues();
  const inner = new KeptValues();

  const first = toGuardedPaths('/a/../b', kept);
  shareGuardedPaths(kept, inner);

  t.is(toGuardedPaths('/a/../b', kept), first);
  t.is(toGuardedPaths('/a/../b', inner), first);
  t.deepEqual(toGuardedPaths('/c/../d', kept), ['/c/../d', '/d']);
});
