import { once } from 'node:events';
import { link, readdir, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { askProcesses, openControlSocket } from '../../src/process/control-socket.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { siteFolder } from '../helpers/site-folder.ts';
import { untilResult } from '../helpers/until-result.ts';

const PING = { command: 'ping' };

async function open(t: ExecutionContext, dataDir: string, answer: () => Promise<object>): Promise<string> {
  const before = await names(dataDir);
  const control = await openControlSocket(dataDir, answer);
  t.teardown(() => control.close());
  return (await names(dataDir)).find((name) => !before.includes(name)) ?? '';
}

async function names(dataDir: string): Promise<readonly string[]> {
  return readdir(join(dataDir, 'control')).catch(() => []);
}

async function ask(dataDir: string): Promise<readonly unknown[]> {
  return Promise.all(await askProcesses(dataDir, PING, PATIENCE_MS));
}

test('each process that uses the folder gets the question, and its answer comes back', async (t) => {
  const dataDir = await siteFolder(t);
  await open(t, dataDir, async () => ({ is: 'one' }));
  await open(t, dataDir, async () => ({ is: 'two' }));

  t.deepEqual((await ask(dataDir)).map((answer) => (answer as { is: string }).is).sort(), ['one', 'two']);
});

test('only the user of the process can connect', async (t) => {
  const dataDir = await siteFolder(t);
  const name = await open(t, dataDir, async () => ({}));

  t.is((await stat(join(dataDir, 'control', name))).mode & 0o777, 0o600);
  t.is((await stat(join(dataDir, 'control'))).mode & 0o777, 0o700);
});

test('an exception of the command is the answer', async (t) => {
  const dataDir = await siteFolder(t);
  await open(t, dataDir, async () => {
    throw new Error('no such command');
  });

  t.deepEqual(await ask(dataDir), [{ error: 'no such command' }]);
});

test('a folder whose path is too long for a Unix socket works', async (t) => {
  const dataDir = join(await siteFolder(t), 'a'.repeat(100), 'b'.repeat(100));
  await open(t, dataDir, async () => ({ is: 'far' }));

  t.deepEqual(await ask(dataDir), [{ is: 'far' }]);
});

test('sockets of processes that were killed are removed by the next start', async (t) => {
  const dataDir = await siteFolder(t, { 'control/7-dead.sock': '' });
  await leaveSocket(join(dataDir, 'control', '8-dead.sock'));

  // A process that another test starts holds all sockets of this process until it runs its program.
  const start = async () => {
    await open(t, dataDir, async () => ({}));
    return names(dataDir);
  };
  const left = await untilResult(start, (all) => !all.includes('8-dead.sock'));
  t.false(left.includes('7-dead.sock'));
});

test('without a running process there is nothing to ask', async (t) => {
  const dataDir = await siteFolder(t);
  await leaveSocketIn(dataDir);

  // A process that another test starts at this moment has the closed socket until it runs its program.
  const answers = await untilResult(() => ask(dataDir).catch(() => undefined), Array.isArray);
  t.deepEqual(answers, []);
  t.deepEqual(await ask(join(dataDir, 'nowhere')), []);
});

test('a question that is no JSON object, or too long, leaves the process working', async (t) => {
  const dataDir = await siteFolder(t);
  const path = join(dataDir, 'control', await open(t, dataDir, async () => ({ is: 'here' })));

  t.regex(await send(path, 'hello\n'), /"error"/);
  t.is(await send(path, 'x'.repeat(10_000)), '');
  t.deepEqual(await ask(dataDir), [{ is: 'here' }]);
});

test('a process that does not answer in time, or ends before, is an error', async (t) => {
  const dataDir = await siteFolder(t);
  await open(t, dataDir, () => new Promise(() => {}));
  const [late] = await askProcesses(dataDir, PING, 50);
  await t.throwsAsync(async () => late, { message: 'no answer within 0.05 s' });

  const server = createServer((socket) => socket.destroy()).listen(join(dataDir, 'control', '9-ends.sock'));
  await once(server, 'listening');
  t.teardown(() => server.close());
  const outcomes = await Promise.allSettled(await askProcesses(dataDir, PING, 500));
  t.true(outcomes.every(({ status }) => status === 'rejected'));
});

/** A socket file on which nothing listens, as after `kill -9`. */
async function leaveSocket(path: string): Promise<void> {
  const other = `${path}.new`;
  const server = createServer().listen(other);
  await once(server, 'listening');
  await link(other, path);
  server.close();
  await once(server, 'close');
}

async function leaveSocketIn(dataDir: string): Promise<void> {
  const control = await openControlSocket(dataDir, async () => ({}));
  await control.close();
  await leaveSocket(join(dataDir, 'control', '8-dead.sock'));
  await writeFile(join(dataDir, 'control', 'notes.txt'), '');
}

async function send(path: string, text: string): Promise<string> {
  const socket = connect(path);
  // The process does not read the rest of a line that is too long.
  socket.on('error', () => {});
  socket.write(text);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => socket.on('close', resolve));
  return Buffer.concat(chunks).toString();
}
