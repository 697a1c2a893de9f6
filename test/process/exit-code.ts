import test from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const HAS_NO_EFFECT = 'has no effect: nexthop sets the exit code of the process';

test('an exit code that code of the site sets is not that of the process, and is one line for each file', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/loads.js': `// a line\nprocess.exitCode = 3;\nexport const onRequest = () => new Response('loads');`,
    'cloud-functions/answers.js': `export const onRequest = async () => {
      await 1;
      if (process.exitCode === undefined) process['exitCode'] ||= 4;
      return new Response('answers');
    };`,
    'cloud-functions/helped.js': `import { fail } from './helper.js';\nexport const onRequest = () => { fail(); return new Response('helped'); };`,
    'cloud-functions/helper.js': `export const fail = () => { process.exitCode = 'EINVAL' && 5; };`,
  });
  const running = await startNexthop(t, { site });
  for (const path of ['loads', 'answers', 'answers', 'helped', 'helped']) {
    t.is(await (await fetch(`http://127.0.0.1:${running.port}/${path}`)).text(), path);
  }

  running.child.kill('SIGTERM');

  t.is(await running.exited, 0);
  const lines = await complaints(running, 3);
  t.deepEqual(
    lines.map(({ message }) => message),
    [
      `process.exitCode = 3 at cloud-functions/loads.js:2 ${HAS_NO_EFFECT}`,
      `process.exitCode = 4 at cloud-functions/answers.js:3 ${HAS_NO_EFFECT}`,
      `process.exitCode = 5, seen after a call of cloud-functions/helped.js, ${HAS_NO_EFFECT}`,
    ],
  );
  t.like(lines[1], {
    level: 'warn',
    file: 'cloud-functions/answers.js',
    line: 3,
    target: 'cloud-functions/answers.js',
  });
});

test('a command exits with its own code', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/loads.js': `process.exitCode = 3;\nexport const onRequest = () => new Response('loads');`,
  });

  const running = await runNexthop(t, { args: ['routes', site] });

  t.is(await running.exited, 0);
  t.regex(running.output(), /process\.exitCode = 3 at cloud-functions\/loads\.js:1 has no effect/);
});
