import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { PATIENCE_MS } from '../../helpers/patience.ts';

const SERVICE = JSON.stringify(import.meta.resolve('../../../src/dialects/loader/build-around.ts'));

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
