import test, { type ExecutionContext } from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { type RunningProcess, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

/** What functions print is then on stdout, too. */
const PRINTING = { LOG_STDOUT: '1' };

async function serve(t: ExecutionContext, statements: string, rest = ''): Promise<RunningProcess> {
  const site = await siteFolder(t, {
    'cloud-functions/site.js': `${statements}\nexport const onRequest = async () => { ${rest} return new Response(process.cwd()); };`,
    'cloud-functions/slow.js': `export const onRequest = async () => {
      console.log('it began');
      await new Promise((resolve) => setTimeout(resolve, 300));
      return new Response('whole');
    };`,
  });
  return startNexthop(t, { site, env: PRINTING });
}

function get({ port }: RunningProcess, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`);
}

for (const [what, statement] of [
  ['that exits', `process.on('SIGTERM', () => process.exit(1));`],
  ['that exits, in front of all others', `process.prependListener('SIGTERM', () => process.exit(1));`],
  [
    'that exits a little later',
    `process.once('SIGTERM', async () => { await 1; setTimeout(() => process.exit(1), 20); });`,
  ],
  ['that kills', `process.on('SIGTERM', () => process.kill(process.pid, 'SIGKILL'));`],
] as const) {
  test.serial(`a listener of the site for SIGTERM ${what} does not cut the drain`, async (t) => {
    const running = await serve(t, statement);
    const slow = get(running, '/slow');
    await running.said(/it began/);

    running.child.kill('SIGTERM');

    t.is(await (await slow).text(), 'whole');
    t.is(await running.exited, 0);
    const lines = await complaints(running);
    t.is(lines.length, 1);
    t.regex(JSON.stringify(lines), /process\.\w+\(.*\) at cloud-functions\/site\.js:1:\d+ does not end the process/);
  });
}

test.serial('a listener of the site for SIGTERM that throws does not cut the drain', async (t) => {
  const running = await serve(t, `process.prependListener('SIGTERM', () => { throw new Error('mine'); });`);
  const slow = get(running, '/slow');
  await running.said(/it began/);

  running.child.kill('SIGTERM');

  t.is(await (await slow).text(), 'whole');
  t.is(await running.exited, 0);
  t.regex(JSON.stringify(await complaints(running)), /"origin":"SIGTERM".*mine/);
});

for (const [what, statement, call] of [
  ['removeAllListeners', 'process.removeAllListeners();', 'process.removeAllListeners()'],
  ['removeAllListeners of a signal', `process.removeAllListeners('SIGTERM');`, `process.removeAllListeners('SIGTERM')`],
  [
    'off',
    `for (const listener of process.listeners('SIGTERM')) process.off('SIGTERM', listener);`,
    `process.removeListener('SIGTERM')`,
  ],
] as const) {
  test.serial(`${what} of a function removes only its own listeners, and the drain works`, async (t) => {
    const running = await serve(t, `process.on('SIGUSR2', () => console.log('heard'));`, statement);
    await get(running, '/site');
    const slow = get(running, '/slow');
    await running.said(/it began/);

    running.child.kill('SIGTERM');

    t.is(await (await slow).text(), 'whole');
    t.is(await running.exited, 0);
    const [line, ...more] = await complaints(running);
    t.is(line?.file, 'cloud-functions/site.js');
    t.true(JSON.stringify(line).includes(`${call} at cloud-functions/site.js:2:`), JSON.stringify(line));
    t.deepEqual(more, []);
  });
}

test.serial('a lower limit of listeners has no effect on the process, and a higher one has', async (t) => {
  const running = await serve(
    t,
    `process.setMaxListeners(1);\nprocess.setMaxListeners(30);`,
    `process.on('SIGWINCH', () => {}); return new Response(String(process.getMaxListeners()));`,
  );

  for (let round = 0; round < 12; round++) t.is(await (await get(running, '/site')).text(), '30');

  const lines = await complaints(running);
  t.is(lines.length, 1);
  t.like(lines[0], { level: 'warn', file: 'cloud-functions/site.js', line: 1 });
  t.notRegex(running.output(), /MaxListenersExceededWarning/);
});

test.serial('a site may silence warnings and remove listeners that it added', async (t) => {
  const running = await serve(
    t,
    `const heard = () => {};
     process.removeAllListeners('warning');
     process.on('SIGUSR2', heard); process.off('SIGUSR2', heard);
     process.once('exit', heard); process.removeListener('exit', heard);
     process.emitWarning('unwanted');`,
  );

  await get(running, '/site');
  running.child.kill('SIGTERM');

  t.is(await running.exited, 0);
  t.notRegex(running.output(), /unwanted/);
  t.deepEqual(await complaints(running, 0), []);
});

for (const [what, statement, message] of [
  [
    'a monitor of uncaught exceptions that exits',
    `process.on('uncaughtExceptionMonitor', () => process.exit(1));`,
    /process\.exit\(1\) at cloud-functions\/site\.js:1:\d+ does not end/,
  ],
  [
    'a monitor of uncaught exceptions that throws',
    `process.on('uncaughtExceptionMonitor', () => { throw new Error('worse'); });`,
    /worse/,
  ],
  [
    'a callback for uncaught exceptions that throws',
    `process.setUncaughtExceptionCaptureCallback(() => { throw new Error('worse'); });`,
    /setUncaughtExceptionCaptureCallback\(\) at cloud-functions\/site\.js:1:\d+ has no effect/,
  ],
] as const) {
  test.serial(`${what} does not end the process, and the exception is logged`, async (t) => {
    const running = await serve(t, statement, `setTimeout(() => { throw new Error('first'); });`);

    t.is((await get(running, '/site')).status, 200);
    const lines = JSON.stringify(await complaints(running, 2));
    t.is((await get(running, '/site')).status, 200);

    t.regex(lines, message);
    t.regex(lines, /an exception was not caught: first/);
  });
}

const OF_DOMAIN = /process\.exit\(1\) at cloud-functions\/site\.js:2:\d+ does not end/;

test.serial('an error handler of a domain that exits does not end the process', async (t) => {
  const running = await serve(
    t,
    `import domain from 'node:domain';
     const own = domain.create().on('error', () => process.exit(1));`,
    `own.run(() => setTimeout(() => { throw new Error('first'); }));`,
  );

  t.is((await get(running, '/site')).status, 200);
  await untilResult(
    () => complaints(running),
    (lines) => lines.some(({ message }) => OF_DOMAIN.test(String(message))),
  );
  t.is((await get(running, '/site')).status, 200);
});

test.serial('a listener of the site that exits for an uncaught exception does not end the process', async (t) => {
  const running = await serve(
    t,
    `process.on('uncaughtException', () => process.exit(1));
     process.on('uncaughtException', () => { throw new Error('worse'); });
     process.on('unhandledRejection', () => process.exit(1));`,
    `setTimeout(() => { throw new Error('first'); }); Promise.reject(new Error('second'));`,
  );

  t.is((await get(running, '/site')).status, 200);
  const lines = JSON.stringify(await complaints(running, 5));
  t.is((await get(running, '/site')).status, 200);

  for (const pattern of [/first/, /second/, /worse/, /site\.js:1:\d+ does not end/, /site\.js:3:\d+ does not end/])
    t.regex(lines, pattern);
});

for (const [what, statement, call] of [
  ['changes the working directory', `process.chdir('/');`, `process.chdir('/')`],
  ['sets the mask of the process', 'process.umask(0);', 'process.umask(0)'],
  ['sets the user of the process', 'process.setuid(0);', 'process.setuid(0)'],
] as const) {
  test.serial(`a function that ${what} fails, and the other functions work`, async (t) => {
    const running = await serve(t, '', statement);

    const [first, slow] = [await get(running, '/site'), await get(running, '/slow')];

    t.is(first.status, 500);
    t.is(await slow.text(), 'whole');
    const lines = await complaints(running, 1);
    t.true(JSON.stringify(lines[0]).includes(`${call} at cloud-functions/site.js:2:`), JSON.stringify(lines));
    t.true(lines.every(({ file }) => file === 'cloud-functions/site.js'));
  });
}

test.serial('a function may read the mask and change to the current directory', async (t) => {
  const running = await serve(t, '', `process.umask(); process.chdir('.'); process.chdir(process.cwd());`);

  t.is((await get(running, '/site')).status, 200);
});

test.serial('listeners of the site for exit do not change the exit code', async (t) => {
  const running = await serve(t, `process.on('exit', () => { process.exitCode = 5; process.exit(4); });`);

  running.child.kill('SIGTERM');

  t.is(await running.exited, 0);
});
