import { randomUUID } from 'node:crypto';
import { chmod, open, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { hasCode } from '../contract/error-code.ts';
import { messageOf } from '../contract/error-message.ts';
import { makeFolder } from './make-folder.ts';

/** The folder below DATA_DIR for files of running processes, e.g. a socket for each. */
export const CONTROL_FOLDER = 'control';
const EXTENSION = '.sock';
/** Longest path of a Unix socket in bytes (unix(7): `sun_path` with its last zero). */
const MOST_PATH_BYTES = 107;
/** A question is one short line. */
const MOST_QUESTION_BYTES = 4096;
const QUESTION_MS = 5000;

export interface Question {
  readonly command: string;
}

export interface ControlSocket {
  /** Removes the socket. Never rejects. */
  close(): Promise<void>;
}

/**
 * Opens a Unix socket in `dataDir` on which other processes of this user can control this one: a
 * line of JSON in, a line of JSON out. It does not keep the process alive. Removes sockets of
 * processes that were killed. Rejects if the folder cannot be written to.
 */
export async function openControlSocket(
  dataDir: string,
  answer: (question: Question) => Promise<object>,
): Promise<ControlSocket> {
  const folder = join(dataDir, CONTROL_FOLDER);
  makeFolder(folder, 0o700);
  await Promise.all((await listSockets(folder)).map((name) => removeIfDead(folder, name)));
  // Not by the id alone: in a container it is 1 for every process that was the last one.
  const name = `${process.pid}-${randomUUID().slice(0, 8)}${EXTENSION}`;
  const server = createServer((socket) => void serve(socket, answer));
  await withPath(folder, name, (path) => listen(server, path));
  server.unref();
  await chmod(join(folder, name), 0o600);
  return {
    async close() {
      server.close();
      await rm(join(folder, name), { force: true }).catch(() => {
        // A folder that became read-only: the next start removes the file.
      });
    },
  };
}

/**
 * Sends a question to each process that uses `dataDir`. Yields one promise for each of them; it
 * rejects if that process ends before its answer, or does not answer within `limitMs`.
 */
export async function askProcesses(
  dataDir: string,
  question: Question,
  limitMs: number,
): Promise<readonly Promise<unknown>[]> {
  return (await connectToAll(dataDir)).map((socket) => ask(socket, question, limitMs));
}

/** Whether a process uses `dataDir`. Rejects if that cannot be known, e.g. if another user runs it. */
export async function hasProcess(dataDir: string): Promise<boolean> {
  const sockets = await connectToAll(dataDir);
  for (const socket of sockets) socket.destroy();
  return sockets.length > 0;
}

/** One connection to each process that uses `dataDir`. */
async function connectToAll(dataDir: string): Promise<readonly Socket[]> {
  const folder = join(dataDir, CONTROL_FOLDER);
  const sockets = await Promise.all((await listSockets(folder)).map((name) => tryConnect(folder, name)));
  return sockets.filter((socket) => socket !== undefined);
}

async function listSockets(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(EXTENSION)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // node:fs throws nothing else
    // No process has used the folder.
    return [];
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

async function removeIfDead(folder: string, name: string): Promise<void> {
  const socket = await tryConnect(folder, name);
  if (socket) socket.destroy();
  else await rm(join(folder, name), { force: true });
}

/** Undefined if no process listens there any more. */
async function tryConnect(folder: string, name: string): Promise<Socket | undefined> {
  try {
    return await withPath(folder, name, connectTo);
  } catch (error) {
    // ECONNRESET: it ended before it accepted the connection.
    if (hasCode(error, 'ECONNREFUSED', 'ECONNRESET', 'ENOENT')) return undefined;
    throw error;
  }
}

function connectTo(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** A path that is too long is shortened by the file descriptor of its folder (Linux). */
async function withPath<T>(folder: string, name: string, use: (path: string) => Promise<T>): Promise<T> {
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= MOST_PATH_BYTES) return use(path);
  const handle = await open(folder);
  try {
    return await use(`/proc/self/fd/${handle.fd}/${name}`);
  } finally {
    await handle.close();
  }
}

async function serve(socket: Socket, answer: (question: Question) => Promise<object>): Promise<void> {
  // A client that leaves early.
  socket.on('error', () => {});
  socket.setTimeout(QUESTION_MS, () => socket.destroy());
  const line = await readLine(socket, MOST_QUESTION_BYTES).catch(() => undefined);
  if (line === undefined) {
    socket.destroy();
    return;
  }
  socket.setTimeout(0);
  socket.end(`${JSON.stringify(await toAnswer(line, answer))}\n`);
}

async function toAnswer(line: string, answer: (question: Question) => Promise<object>): Promise<object> {
  try {
    const question: unknown = JSON.parse(line);
    if (typeof question !== 'object' || question === null || !('command' in question)) {
      return { error: 'a question is a JSON object with a command' };
    }
    return await answer({ command: String(question.command) });
  } catch (error) {
    return { error: messageOf(error) };
  }
}

async function ask(socket: Socket, question: Question, limitMs: number): Promise<unknown> {
  socket.setTimeout(limitMs, () => socket.destroy(new Error(`no answer within ${limitMs / 1000} s`)));
  socket.write(`${JSON.stringify(question)}\n`);
  try {
    return JSON.parse(await readLine(socket));
  } finally {
    socket.destroy();
  }
}

/** Rejects if the socket ends before the line does. */
function readLine(socket: Socket, mostBytes = Number.POSITIVE_INFINITY): Promise<string> {
  let text = '';
  socket.setEncoding('utf8');
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
      else if (text.length > mostBytes) reject(new Error('the line is too long'));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the process ended before its answer')));
  });
}
