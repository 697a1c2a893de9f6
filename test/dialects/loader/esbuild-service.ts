import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { PATIENCE_MS } from '../../helpers/patience.ts';
import { runNexthop, startNexthop } from '../../helpers/process.ts';
import { siteFolder } from '../../helpers/site-folder.ts';
import { untilResult } from '../../helpers/until-result.ts';

const SERVICE = JSON.stringify(import.meta.resolve('../../../src/dialects/loader/esbuild-service.ts'));

/**
 * Runs a script in a separate process, so that only its own children are counted. Returns its
 * output.
 */
async function run(script: string): Promise<string> {
  const start = `import { keepEsbuild, withEsbuild } from ${SERVICE};
    import { readdirSync, readFileSync } from 'node:fs';
    const children = () => readdirSync('/proc/self/task').map((id) => readFileSync('/proc/self/task/' + id + '/children', 'utf8')).join('').trim().split(' ').filter(Boolean).length;
    const build = (contents) => withEsbuild(({ build }) => build({ stdin: { contents }, write: false }));
    const gone = async () => { while (children() > 0) await new Promise((go) => setTimeout(go, 5)); };
    const tell = (...values) => process.stdout.write(values.join(' '));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', start + script], {
    timeout: PATIENCE_MS,
  });
  return stdout;
}

test("esbuild's process ends with its last use, also one that fails", async (t) => {
  const script = `await build('1').catch(() => 0); await gone(); await build(']').catch(() => 0); await gone(); tell('gone');`;

  t.is(await run(script), 'gone');
});

test("a use of esbuild that ends does not stop esbuild's process for other uses", async (t) => {
  const script = `const long = withEsbuild(async ({ build }) => {
      await other;
      tell(children(), '');
      return build({ stdin: { contents: '2' }, write: false });
    });
    const other = build('1');
    tell((await long).outputFiles.length);`;

  t.is(await run(script), '1 1');
});

test("esbuild's process that is kept is one process over several uses, and ends with the keeping", async (t) => {
  const script = `const end = keepEsbuild();
    await build('1'); tell(children(), ''); await build('2'); tell(children(), '');
    await end(); await end(); await gone(); tell('gone');`;

  t.is(await run(script), '1 1 gone');
});

for (const command of ['start', 'routes', 'build']) {
  test(`nexthop ${command} says why esbuild cannot be run, and what to do`, async (t) => {
    const site = await siteFolder(t, {
      'cloud-functions/a.ts': 'export const onRequest = () => new Response("a");',
      esbuild: 'not executable',
    });
    const running = await runNexthop(t, {
      args: [command, site],
      env: { ESBUILD_BINARY_PATH: `${site}/esbuild`, WORKERS: '0' },
    });

    t.is(await running.exited, 1);
    t.regex(
      running.output(),
      /nexthop: esbuild, which compiles functions, cannot be run: spawn .*\/esbuild EACCES; install it again .*\n$/,
    );
    t.notRegex(running.output(), /\n {4}at |unsettled/);
  });
}

test('a reload without descriptors for esbuild keeps the site, and the next one with them uses it', async (t) => {
  const site = await siteFolder(t, {
    'cloud-functions/hold.js': `import { closeSync, openSync } from 'node:fs';
      let held = [];
      export const onRequest = ({ request }) => {
        try {
          if (request.url.endsWith('?all')) for (;;) held.push(openSync('/dev/null'));
        } catch {}
        // Those for a request, and for reading the files of the site.
        for (const descriptor of held.splice(request.url.endsWith('?all') ? -6 : 0)) closeSync(descriptor);
        return new Response('held');
      };`,
  });
  const running = await startNexthop(t, {
    site,
    env: { WORKERS: '0' },
    under: ['sh', '-c', 'ulimit -n 200; exec "$@"', 'sh'],
  });
  const ask = async (query: string) => {
    const url = `http://127.0.0.1:${running.port}/hold?${query}`;
    return (await fetch(url, { headers: { connection: 'close' } })).text();
  };

  await ask('all');
  await writeFile(join(site, 'cloud-functions/more.ts'), 'export const onRequest = () => new Response("more");');
  running.child.kill('SIGHUP');
  await running.said(/not reloaded: esbuild, .* cannot be run: EMFILE.*; too many files are open: raise the limit/);
  t.is(await ask('none'), 'held');

  running.child.kill('SIGHUP');
  await running.said(/reloaded .*: 2 routes/);
  const more = () => fetch(`http://127.0.0.1:${running.port}/more`).then((response) => response.text());
  t.is(await untilResult(more, (text) => text === 'more'), 'more');
});
