import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { killProcess } from '../helpers/kill-process.ts';
import { startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';
import { endWorkers, untilListening } from '../helpers/worker-processes.ts';

test('the jobs of two workers on one embedded store run once, and those of a killed worker run again', async (t) => {
  const folder = await siteFolder(t, { ledger: '' });
  const ledger = join(folder, 'ledger');
  const site = await siteFolder(t, {
    'netlify/functions/note-background.mjs': `import { appendFileSync } from 'node:fs';
      export default async (request) => {
        const text = await request.text();
        appendFileSync(${JSON.stringify(ledger)}, text + ' ' + process.pid + '\\n');
        if (text.startsWith('long')) await new Promise((resolve) => setTimeout(resolve, 60_000));
      };`,
  });
  const running = await startNexthop(t, { site, env: { WORKERS: '2', DATA_DIR: join(folder, 'data') } });
  await untilListening(running, 2);
  endWorkers(t, running);
  const push = async (text: string) => {
    const url = `http://127.0.0.1:${running.port}/.netlify/functions/note-background`;
    const response = await fetch(url, { method: 'POST', body: text, headers: { connection: 'close' } });
    t.is(response.status, 202);
  };
  const read = async () => {
    const lines = (await readFile(ledger, 'utf8')).split('\n').slice(0, -1);
    return lines.map((line) => line.split(' ')).map(([text = '', pid = '']) => ({ text, pid: Number(pid) }));
  };

  const texts = Array.from({ length: 60 }, (_, n) => `job-${n}`);
  await Promise.all(texts.map(push));
  const entries = await untilResult(read, ({ length }) => length >= 60);
  t.deepEqual(entries.map(({ text }) => text).toSorted(), texts.toSorted());

  await push('long');
  const [first] = (await untilResult(read, (all) => all.some(({ text }) => text === 'long'))).slice(-1);
  killProcess(first?.pid, 'SIGKILL');

  const runs = await untilResult(read, (all) => all.filter(({ text }) => text === 'long').length === 2);
  t.not(runs.at(-1)?.pid, first?.pid);
});
