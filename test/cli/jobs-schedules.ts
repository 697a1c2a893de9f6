import test from 'ava';
import { jobs } from '../../src/cli/jobs.ts';
import { type Config, readConfig } from '../../src/config/config.ts';
import { siteFolder } from '../helpers/site-folder.ts';

async function run(config: Config, flags: { readonly json?: boolean } = {}): Promise<{ code: number; text: string }> {
  const lines: string[] = [];
  const code = await jobs(config, (line) => lines.push(line), { words: ['schedules'], ...flags });
  return { code, text: lines.join('\n') };
}

test('jobs schedules lists the schedules of a site without a store, the next run first', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/tick.js': 'export const onRequest = () => new Response();',
    'edgeone.json': JSON.stringify({
      schedules: [
        { name: 'rarely', cron: '0 2 1 1 *', path: '/tick', timezone: 'Asia/Shanghai' },
        { name: 'often', cron: '* * * * *', path: '/tick' },
      ],
    }),
  });
  const config = readConfig({ site, env: {} });

  const { code, text } = await run(config, { json: true });

  t.is(code, 0);
  const { schedules } = JSON.parse(text) as { schedules: readonly Record<string, string>[] };
  t.deepEqual(
    schedules.map(({ name, schedule, timezone }) => [name, schedule, timezone]),
    [
      ['edgeone/often', '* * * * *', 'UTC'],
      ['edgeone/rarely', '0 2 1 1 *', 'Asia/Shanghai'],
    ],
  );
  // Two o'clock in Shanghai.
  t.regex(schedules[1]?.next ?? '', /-12-31T18:00:00\.000Z$/);
  t.regex((await run(config)).text, /next run +name +schedule +time zone +file\n.*edgeone\/often/);
});

test('jobs schedules says that a site has none', async (t) => {
  const { text } = await run(readConfig({ site: await siteFolder(t), env: {} }));

  t.is(text, 'the site has no schedules');
});
