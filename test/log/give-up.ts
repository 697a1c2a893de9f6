import { rename, symlink } from 'node:fs/promises';
import { mock } from 'node:test';
import test from 'ava';
import { logFolder } from '../helpers/log-folder.ts';

// Alone in this file, because it stops the clock of the whole process.
test('a rotated file that gets no space within half a minute is closed, and its lines are counted as lost', async (t) => {
  const folder = await logFolder(t);
  await symlink('/dev/full', folder.path('error.log'));
  const log = folder.open();
  log.info('one');
  log.info('two');
  await rename(folder.path('error.log'), folder.path('error.log.1'));
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());

  log.reopen();
  mock.timers.tick(30_000);
  log.info('three');
  await log.close(1000);

  t.like(await folder.lines('error.log'), [{ message: 'three' }, { level: 'warn', lines: 2 }]);
});
