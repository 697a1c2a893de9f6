import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makeFolder } from '../../src/process/make-folder.ts';

function room(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'nexthop-folder-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a folder and its parents are created with the mode, and the first created one is returned', (t) => {
  const folder = room(t);

  t.is(makeFolder(join(folder, 'a/b/c'), 0o700), join(folder, 'a'));
  t.is(makeFolder(join(folder, 'a/b/d')), join(folder, 'a/b/d'));
  t.is(makeFolder(join(folder, 'a/b/d')), undefined);
  t.is(statSync(join(folder, 'a')).mode & 0o777, 0o700);
});

test('a folder that cannot be created throws at once', (t) => {
  const folder = room(t);
  writeFileSync(join(folder, 'file'), '');

  t.throws(() => makeFolder(join(folder, 'file/a/b')), { code: 'ENOTDIR' });
  t.throws(() => makeFolder('/proc/nexthop'), { code: 'ENOENT' });
  t.throws(() => makeFolder('/proc/nexthop/a/b'), { code: 'ENOENT' });
});

const withGit = spawnSync('git', ['--version']).status === 0 ? test : test.skip;

withGit(
  'git sees of the folder .nexthop only what nexthop vendor stores, and the file that says so (needs git)',
  (t) => {
    const folder = room(t);
    execFileSync('git', ['init', '-q', folder]);

    makeFolder(join(folder, '.nexthop/functions/a'));
    makeFolder(join(folder, '.nexthop/vendor/esm.sh/a'));
    for (const file of ['state.db', 'functions/a/x.js', 'vendor/lock.json', 'vendor/esm.sh/a/.gitignore']) {
      writeFileSync(join(folder, '.nexthop', file), '');
    }

    const seen = execFileSync('git', ['-C', folder, 'status', '--porcelain', '-uall'], { encoding: 'utf8' });
    t.deepEqual(
      seen.trim().split('\n'),
      ['.gitignore', 'vendor/esm.sh/a/.gitignore', 'vendor/lock.json'].map((file) => `?? .nexthop/${file}`),
    );
  },
);

test('a .gitignore that is there stays, one that is missing is written, and a folder that cannot be written is no error', (t) => {
  const folder = room(t);
  const [own, old, closed] = ['own', 'old', 'closed'].map((name) => join(folder, name, '.nexthop')) as [
    string,
    string,
    string,
  ];
  for (const each of [own, old, closed]) mkdirSync(each, { recursive: true });
  writeFileSync(join(own, '.gitignore'), 'mine');
  mkdirSync(join(closed, 'functions'));
  // Also for root: a folder of that name cannot be replaced.
  mkdirSync(join(closed, '.gitignore'));
  chmodSync(closed, 0o500);
  t.teardown(() => chmodSync(closed, 0o700));

  for (const each of [own, old]) makeFolder(join(each, 'functions'));

  t.is(readFileSync(join(own, '.gitignore'), 'utf8'), 'mine');
  t.regex(readFileSync(join(old, '.gitignore'), 'utf8'), /^\*$/m);
  t.is(makeFolder(join(closed, 'functions')), undefined);
});
