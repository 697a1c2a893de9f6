import test from 'ava';
import { runNexthop, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const ENV = '# of the site\nDATABASE_URL=x\nREDIS_URL=redis://mine\nNEXT_HOP=http://elsewhere\nHOP_QUEU=5\n';

test('a start reports variables that look like settings, with their origin', async (t) => {
  const site = await siteFolder(t, { '.env': `${ENV}PORTT=1\n` });
  const { output, exited, child } = await startNexthop(t, { site, env: { NEXTHOP_LOGDIR: '/x', READYPATH: '/y' } });

  child.kill();
  t.is(await exited, 0);
  t.deepEqual(
    output()
      .split('\n')
      .filter((line) => /^ {2}(?:warning|error)/.test(line))
      .map((line) => line.trim().replace(/ +/, ' ')),
    [
      'warning environment READYPATH is no setting of nexthop; did you mean READY_PATH?',
      'warning .env:5 HOP_QUEU is no setting of nexthop; did you mean HOP_QUEUE? Set it in the environment of the process, or as --hop-queue',
      'warning .env:6 PORTT is no setting of nexthop; did you mean PORT? Set it in the environment of the process, or as --port',
      'warning .env:4 NEXT_HOP is a setting of nexthop, and not read here. Set it in the environment of the process, or as --next-hop',
    ],
  );
});

test('nexthop routes reports them, too, and reports nothing for an environment without them', async (t) => {
  const site = await siteFolder(t, { '.env': 'DATABASE_URL=x' });
  const plain = await runNexthop(t, { args: ['routes', site, '--json'] });
  const output = await runNexthop(t, { args: ['routes', site, '--json'], env: { NEXTHOP: 'http://x' } });

  t.is(await plain.exited, 0);
  t.deepEqual(JSON.parse(plain.stdout()).problems, []);
  t.is(await output.exited, 0);
  t.deepEqual(JSON.parse(output.stdout()).problems, [
    { severity: 'warning', file: 'environment', message: 'NEXTHOP is no setting of nexthop; did you mean NEXT_HOP?' },
  ]);
});

test('a setting that the process also has may be in the .env of the site', async (t) => {
  const site = await siteFolder(t, { '.env': ENV });
  const run = await runNexthop(t, { args: ['routes', site, '--json', '--next-hop=http://elsewhere', '--hop-queue=5'] });

  t.is(await run.exited, 0);
  t.deepEqual(JSON.parse(run.stdout()).problems, []);
});
