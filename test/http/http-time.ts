import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { toTimeMs } from '../../src/http/http-time.ts';

const MODULE = join(import.meta.dirname, '../../src/http/http-time.ts');

for (const text of ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994']) {
  test(`"${text}" is read as the same time as by Date`, async (t) => {
    const script = `import { toTimeMs } from ${JSON.stringify(MODULE)}; process.stdout.write(String(toTimeMs(${JSON.stringify(text)})));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env: { TZ: 'America/New_York' },
    });

    t.is(Number(stdout), 784111777000);
  });
}

for (const text of [
  '',
  '0',
  '1994',
  '2030-01-01T00:00:00Z',
  'Sun, 06 Nov 1994 08:49:37 +0100',
  'Foo, 99 Bar 1994 08:49:37 GMT',
]) {
  test(`"${text}" is not a date`, (t) => {
    t.is(toTimeMs(text), undefined);
  });
}
