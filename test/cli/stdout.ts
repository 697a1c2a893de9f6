import test from 'ava';
import { runNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';

const TALKATIVE = {
  'cloud-functions/talk.js': `import { writeSync } from 'node:fs';
    console.log('by the console');
    console.info('for information');
    console.table([{ in: 'a table' }]);
    process.stdout.write('by the stream\\n');
    writeSync(process.stdout.fd, 'by the descriptor\\n');
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.stdout.write('without a line end');
    export const onRequest = () => new Response('hello');`,
  'netlify/functions/later-background.mjs': `setTimeout(() => console.log('later')); export default () => {};`,
};

test("output of the site's code during the load is not mixed with the JSON of routes", async (t) => {
  const site = await siteFolder(t, TALKATIVE);

  const running = await runNexthop(t, { args: ['routes', site, '--json'] });

  t.is(await running.exited, 0);
  const { routes } = JSON.parse(running.stdout());
  const patterns = routes.map(({ pattern }: { pattern: string }) => pattern);
  t.deepEqual(patterns, ['/.netlify/images', '/.netlify/functions/later-background', '/talk']);
  t.regex(
    running.output(),
    /by the console[\s\S]*for information[\s\S]*a table[\s\S]*by the stream[\s\S]*by the descriptor/,
  );
  t.regex(running.output(), /without a line end/);
});

for (const [command, said] of [
  ['routes', /^site .*\n[\s\S]*\/talk/],
  ['build', /^compiled 2 functions of .*\n {2}kept in .*\n {2}took .*\n$/],
  ['health', /^not ready: /],
  ['jobs', /^$/],
] as const) {
  test(`stdout of ${command} has only its own lines`, async (t) => {
    const site = await siteFolder(t, TALKATIVE);

    const running = await runNexthop(t, { args: [command, '--site', site], env: { PORT: '1' } });
    await running.exited;

    t.regex(running.stdout(), said);
    t.notRegex(running.stdout(), /by the|for information|a table|without|later\n/);
  });
}

test("output of the site's code while it is served is written to stdout unchanged", async (t) => {
  const site = await siteFolder(t, TALKATIVE);

  const running = await runNexthop(t, { args: ['start', site] });
  await running.said(/listens on[\s\S]*logs/);

  t.regex(running.stdout(), /by the console\n[\s\S]*without a line end/);
});
