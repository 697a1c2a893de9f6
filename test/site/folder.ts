import { execFile } from 'node:child_process';
import { chmod, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { SiteError } from '../../src/contract/project.ts';
import { requireFolder } from '../../src/site/folder.ts';
import { siteFolder } from '../helpers/site-folder.ts';

test('a folder is accepted, also through a link', async (t) => {
  const root = await siteFolder(t);
  const link = join(await siteFolder(t), 'link');
  await symlink(root, link);

  await t.notThrowsAsync(requireFolder(root));
  await t.notThrowsAsync(requireFolder(link));
});

test('a folder that does not exist is an error with its path and the remedy', async (t) => {
  const root = join(await siteFolder(t), 'none');

  await t.throwsAsync(requireFolder(root), {
    instanceOf: SiteError,
    message: `the site ${root} does not exist; give the path of a folder`,
  });
});

test('a file instead of a folder is an error with its path and the remedy', async (t) => {
  const root = join(await siteFolder(t), 'hello.js');
  await writeFile(root, '');

  await t.throwsAsync(requireFolder(root), {
    instanceOf: SiteError,
    message: `the site ${root} is a file; give the folder that contains it`,
  });
  await t.throwsAsync(requireFolder(join(root, 'site')), { instanceOf: SiteError, message: /leads through a file/ });
});

test('any other error of reading a folder has the code of the system', async (t) => {
  const root = join(await siteFolder(t), 'circle');
  await symlink(root, root);

  await t.throwsAsync(requireFolder(root), { instanceOf: SiteError, message: /circle cannot be read \(ELOOP/ });
});

test('a folder without permission is an error with its path and the remedy', async (t) => {
  const root = await siteFolder(t);
  await chmod(root, 0);
  // Root may read everything, so the check runs in a child process that changes to another user.
  const script = `
    import { requireFolder } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../src/site/folder.ts')))};
    if (process.getuid() === 0) process.setuid(65534);
    await requireFolder(process.argv[1]).catch((error) => process.stdout.write(error.name + ': ' + error.message));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script, root]);

  t.is(
    stdout,
    `SiteError: the site ${root} may not be read by this user; allow it to read and enter the folder (chmod u+rx)`,
  );
});
