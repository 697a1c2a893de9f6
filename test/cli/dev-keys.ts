import test, { type ExecutionContext } from 'ava';
import { DevKeys } from '../../src/cli/dev-keys.ts';
import { Terminal } from '../../src/dev/terminal.ts';
import { developSite } from '../helpers/dev-session.ts';
import { until } from '../helpers/until.ts';

const scheduled = (text: string) => `export default async () => { globalThis['ran ${text}'] = true; };
  export const config = { schedule: '@yearly' };`;

async function keysOf(t: ExecutionContext, files: Readonly<Record<string, string>>) {
  const { edge, lines, site, url } = await developSite(t, files);
  const printed: string[] = [];
  const terminal = new Terminal({ out: (line) => void printed.push(line), hasColors: false });
  let isEnded = false;
  const end = (): void => {
    isEnded = true;
  };
  const keys = new DevKeys({ edge, terminal, root: site, url, end });
  return { keys, lines, printed, isEnded: () => isEnded };
}

test('r, j, ? and q print the routes, the jobs and the keys, and end nexthop', async (t) => {
  const { keys, printed, isEnded } = await keysOf(t, {
    'cloud-functions/a.js': 'export const onRequest = () => new Response("a");',
    'netlify/functions/one.mjs': scheduled('one'),
  });

  for (const key of ['r', 'j', '?', 'x']) keys.press(key);
  t.false(isEnded());
  keys.press('q');

  const text = printed.join('\n');
  t.regex(text, /order +methods +pattern[\s\S]*\/a +cloud-functions\/a\.js/);
  // Of `j` alone: `r` prints no jobs.
  t.is(text.match(/netlify\/one +@yearly UTC +netlify\/functions\/one\.mjs/g)?.length, 1);
  t.notRegex(text, /^ *jobs$/m);
  t.regex(text, /q {2}quit\n {2}\? {2}print the keys/);
  t.true(isEnded());
});

test('s runs the only schedule at once, and its end is one line', async (t) => {
  const { keys, lines } = await keysOf(t, { 'netlify/functions/one.mjs': scheduled('only') });

  keys.press('s');

  await until(() => lines.some((line) => line.startsWith('job')), 'the line about the job');
  t.true(Reflect.get(globalThis, 'ran only'));
  t.regex(lines.join('\n'), /^job netlify\/one +done +<?\d+ ms {2}netlify\/functions\/one\.mjs$/m);
});

test('of several schedules, s and a number choose one', async (t) => {
  const { keys, lines, printed } = await keysOf(t, {
    'netlify/functions/a-long-name.mjs': scheduled('first'),
    'netlify/functions/two.mjs': scheduled('second'),
  });

  keys.press('s');
  t.deepEqual(printed, [
    '  which schedule? press its number, or another key for none',
    '    1  netlify/a-long-name  @yearly UTC',
    '    2  netlify/two          @yearly UTC',
  ]);
  keys.press('2');

  await until(() => lines.some((line) => line.startsWith('job netlify/two')), 'the line about the job');
  t.false(lines.some((line) => line.startsWith('job netlify/a-long-name')));
});
