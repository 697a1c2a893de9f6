import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
