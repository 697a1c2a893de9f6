import test, { type ExecutionContext } from 'ava';
import { complaints } from '../helpers/error-lines.ts';
import { type RunningProcess, startNexthop } from '../helpers/process.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

/** What functions print is then on stdout, too. */
const PRINTING = { LOG_STDOUT: '1' };

/** Statements of a file's module, and of its function. */
type Code = readonly [statements: string, rest?: string];

async function serve(t: ExecutionContext, ...code: Code): Promise<RunningProcess> {
  return serveFiles(t, { site: code });
}

/** A function `/<name>` for each. */
async function serveFiles(t: ExecutionContext, code: Readonly<Record<string, Code>>): Promise<RunningProcess> {
  const files = Object.entries(code).map(([name, [statements, rest = '']]) => [
    `cloud-functions/${name}.js`,
    `${statements}\nexport const onRequest = async () => { ${rest} return new Response(process.cwd()); };`,
  ]);
  const site = await siteFolder(t, {
    ...Object.fromEntries(files),
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

test.serial(
  'listeners of the site for SIGTERM that exit, at once or later, or kill do not cut the drain',
  async (t) => {
    const running = await serveFiles(t, {
      exits: [`process.on('SIGTERM', () => process.exit(1));`],
      exitsFirst: [`process.prependListener('SIGTERM', () => process.exit(1));`],
      exitsLater: [`process.once('SIGTERM', async () => { await 1; setTimeout(() => process.exit(1), 20); });`],
      kills: [`process.on('SIGTERM', () => process.kill(process.pid, 'SIGKILL'));`],
    });
    const slow = get(running, '/slow');
    await running.said(/it began/);

    running.child.kill('SIGTERM');

    t.is(await (await slow).text(), 'whole');
    t.is(await running.exited, 0);
    const lines = await complaints(running);
    t.is(lines.length, 4);
    for (const name of ['exits', 'exitsFirst', 'exitsLater', 'kills']) {
      const pattern = new RegExp(
        `process\\.\\w+\\(.*\\) at cloud-functions/${name}\\.js:1:\\d+ does not end the process`,
      );
      t.is(lines.filter((line) => pattern.test(JSON.stringify(line))).length, 1, JSON.stringify(lines));
    }
  },
);

test.serial('a listener of the site for SIGTERM that throws does not cut the drain', async (t) => {
  const running = await serve(t, `process.prependListener('SIGTERM', () => { throw new Error('mine'); });`);
  const slow = get(running, '/slow');
  await running.said(/it began/);

  running.child.kill('SIGTERM');

  t.is(await (await slow).text(), 'whole');
  t.is(await running.exited, 0);
  t.regex(JSON.stringify(await complaints(running)), /"origin":"SIGTERM".*mine/);
});

test.serial(
  'off and removeAllListeners of functions remove only their own listeners, and the drain works',
  async (t) => {
    const ADDS = `process.on('SIGUSR2', () => console.log('heard'));`;
    const running = await serveFiles(t, {
      all: [ADDS, 'process.removeAllListeners();'],
      signal: [ADDS, `process.removeAllListeners('SIGTERM');`],
      off: [ADDS, `for (const listener of process.listeners('SIGTERM')) process.off('SIGTERM', listener);`],
    });
    for (const path of ['/all', '/signal', '/off']) await get(running, path);
    const slow = get(running, '/slow');
    await running.said(/it began/);

    running.child.kill('SIGTERM');

    t.is(await (await slow).text(), 'whole');
    t.is(await running.exited, 0);
    const lines = await complaints(running);
    t.deepEqual(
      lines.map(({ file }) => file),
      ['all', 'signal', 'off'].map((name) => `cloud-functions/${name}.js`),
    );
    for (const [at, call] of [
      'process.removeAllListeners() at cloud-functions/all.js:2:',
      `process.removeAllListeners('SIGTERM') at cloud-functions/signal.js:2:`,
      `process.removeListener('SIGTERM') at cloud-functions/off.js:2:`,
    ].entries()) {
      t.true(JSON.stringify(lines[at]).includes(call), JSON.stringify(lines));
    }
  },
);

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

test.serial(
  'a function that changes the folder, the mask or the user of the process fails, and the others work',
  async (t) => {
    const calls = { folder: `process.chdir('/')`, mask: 'process.umask(0)', user: 'process.setuid(0)' };
    const code = Object.entries(calls).map(([name, call]) => [name, ['', `${call};`]]);
    const running = await serveFiles(t, Object.fromEntries(code));

    for (const name of Object.keys(calls)) t.is((await get(running, `/${name}`)).status, 500);

    t.is(await (await get(running, '/slow')).text(), 'whole');
    const lines = await complaints(running, 3);
    for (const [name, call] of Object.entries(calls)) {
      const own = lines.filter(({ file }) => file === `cloud-functions/${name}.js`);
      t.true(JSON.stringify(own[0]).includes(`${call} at cloud-functions/${name}.js:2:`), JSON.stringify(lines));
    }
    t.true(lines.every(({ file }) => /^cloud-functions\/(?:folder|mask|user)\.js$/.test(String(file))));
  },
);

test.serial('a function may read the mask and change to the current directory', async (t) => {
  const running = await serve(t, '', `process.umask(); process.chdir('.'); process.chdir(process.cwd());`);

  t.is((await get(running, '/site')).status, 200);
});

test.serial('listeners of the site for exit do not change the exit code', async (t) => {
  const running = await serve(t, `process.on('exit', () => { process.exitCode = 5; process.exit(4); });`);

  running.child.kill('SIGTERM');

  t.is(await running.exited, 0);
});
