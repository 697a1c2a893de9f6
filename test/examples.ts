import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { startNexthop } from './helpers/process.ts';
import { siteFolder } from './helpers/site-folder.ts';

const ROOT = join(import.meta.dirname, '..');

test('the origin shows the request line, the headers as received, and the size of the body', async (t) => {
  const origin = startExample(t, ['examples/origin.js', '0']);
  const [, url = ''] = /listens on (\S+)/.exec(await origin.untilSaid('\n')) ?? [];

  const answer = await fetch(`${url}/a?b=c`, {
    method: 'POST',
    body: 'hello',
    headers: { 'X-Case': '1' },
  });

  const shown = await answer.text();
  t.true(shown.startsWith('The next hop received:\n\nPOST /a?b=c HTTP/1.1\n'), shown);
  t.regex(shown, /^x-case: 1$/im);
  t.true(shown.endsWith('\n(5 bytes of body)\n'), shown);
});

test('the Netlify example has functions by path and by redirect, a background function and a page', async (t) => {
  const dataDir = await siteFolder(t);
  const site = join(ROOT, 'examples/netlify');
  const server = await startNexthop(t, { site, env: { DATA_DIR: dataDir, JOB_CONCURRENCY: '1', LOG_STDOUT: '1' } });
  const url = `http://127.0.0.1:${server.port}`;
  const ask = async (path: string) => (await fetch(url + path)).text();

  t.is(await ask('/hello/you'), 'Hello, you!\n');
  t.is(await ask('/api/legacy?name=you'), 'Hello, you, from a Lambda!\n');
  t.regex(await ask('/'), /<title>Netlify/);
  t.is((await fetch(`${url}/.netlify/functions/report-background`, { method: 'POST', body: 'cats' })).status, 202);
  await server.said(/a report about cats is being made/);
  t.notRegex(server.output(), /warning|error/);
});

test('the demo shows responses of functions and of the next hop, and ends normally', async (t) => {
  const demo = startExample(t, ['examples/demo.js'], { PORT: '0' });
  const shown = await demo.untilSaid('Ctrl-C ends them.');

  t.regex(shown, /\$ curl '\S+\/api\/hello'\nHello from a function!\n/);
  t.regex(shown, /\$ curl '\S+\/users\/42'\n\{"id":"42"\}\n/);
  t.regex(shown, /\$ curl '\S+'\nThe next hop received:\n\nGET \/any\/\/path\?x=%41 HTTP\/1\.1\n/);

  demo.child.kill('SIGINT');
  // npm passes on what the terminal sent already.
  demo.child.kill('SIGINT');
  t.deepEqual(await once(demo.child, 'exit'), [0, null]);
  const [, logDir = ''] = /LOG_DIR=(\S+)/.exec(shown) ?? [];
  await t.throwsAsync(access(logDir), { code: 'ENOENT' });
});

test('a demo that cannot start prints the reason and exits with 1', async (t) => {
  const demo = startExample(t, ['examples/demo.js'], { PORT: 'http' });

  const [said, [code]] = await Promise.all([text(demo.child.stderr), once(demo.child, 'exit')]);
  t.regex(said, /PORT must be a whole number from 0 to 65535, got "http"/);
  t.is(code, 1);
});

function startExample(t: ExecutionContext, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, WORKERS: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Not SIGKILL: the demo ends its own children when it is asked to end.
  t.teardown(() => child.kill('SIGTERM'));
  return { child, untilSaid: (mark: string) => untilSaid(child, mark) };
}

/** Resolves with all output up to `mark`; rejects if the process ends before. */
function untilSaid(child: ChildProcess, mark: string): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      said += chunk;
      if (said.includes(mark)) resolve(said);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', (code) => reject(new Error(`it ended with ${code}:\n${said}`)));
  });
}
