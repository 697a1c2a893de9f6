import test from 'ava';
import { runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const BOTH = `const atLoad = process.env.FROM_FILE;
  export const onRequest = ({ env }) => [env.FROM_FILE, process.env.FROM_FILE, atLoad, env.IN_BOTH, process.env.IN_BOTH];`;

test('variables of .env are in context.env and process.env, also during the load of functions; those of the process have priority', async (t) => {
  const site = await siteFolder(t, {
    '.env': 'FROM_FILE=file\nIN_BOTH=file',
    'cloud-functions/a.js': BOTH,
  });
  const { port } = await startNexthop(t, { site, env: { IN_BOTH: 'process' } });

  const seen = await (await fetch(`http://127.0.0.1:${port}/a`)).json();

  t.deepEqual(seen, ['file', 'file', 'file', 'process', 'process']);
});

test('a .env has no effect on the settings of nexthop', async (t) => {
  const site = await siteFolder(t, { '.env': 'BODY_LIMIT=much' });

  const running = await startNexthop(t, { site });

  t.true(running.port > 0);
});

test('an invalid line of .env is reported at start and by routes', async (t) => {
  const site = await siteFolder(t, { '.env': 'A=1\nno assignment' });

  const started = await startNexthop(t, { site });
  const listed = await runNexthop(t, { args: ['routes', site] });

  t.is(await listed.exited, 0);
  for (const output of [started.output(), listed.output()])
    t.regex(output, /\.env:2\b.* is not of the form NAME=value/);
});
