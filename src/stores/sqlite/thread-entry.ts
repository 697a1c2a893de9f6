import { parentPort, workerData } from 'node:worker_threads';
import { Batches } from './batches.ts';
import { cacheContent } from './cache-content.ts';
import { ChangeWatch } from './change-watch.ts';
import type { FromThread, ThreadSetup, ToThread } from './messages.ts';
import { StateFile, StateUnavailable } from './state-file.ts';

// Entry of the thread that uses the database, for as long as its StateThread lives: node:sqlite
// blocks, and a commit waits for the disk.

if (!parentPort) throw new Error('thread-entry.ts is started by StateThread, in a separate thread');
const port = parentPort;
const { file: path, fsync, cacheBytes }: ThreadSetup = workerData; // set by StateThread
const send = (message: FromThread): void => port.postMessage(message);

let isWatching = false;
let watch: ChangeWatch | undefined;
let version: unknown;

const file = new StateFile({
  path,
  fsync,
  ...(cacheBytes !== undefined && { content: cacheContent(cacheBytes) }),
  onOpen: () => {
    if (isWatching) startWatch();
  },
  onMoved: (message) => send({ kind: 'warning', message }),
});
const batches = new Batches(file, (answers) => send({ kind: 'answers', answers }));

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'call':
      return batches.add(message.call);
    case 'watch':
      isWatching = true;
      return checkForChange();
    case 'close':
      return close();
  }
});

send({ kind: 'running' });

/** Closes the database after the queued verbs. */
function close(): void {
  if (!batches.isIdle) {
    setImmediate(close);
    return;
  }
  watch?.close();
  file.close();
  port.close();
}

/** Starts a new watch for each database that is opened, because its folder may be new. */
function startWatch(): void {
  watch?.close();
  version = undefined;
  watch = new ChangeWatch(path, checkForChange);
}

function checkForChange(): void {
  try {
    const state = file.open();
    if (!watch) startWatch();
    const seen = state.version();
    if (version === seen) return;
    const news = state.news?.();
    if (version !== undefined) send({ kind: 'changed', news });
    version = seen;
  } catch (error) {
    // No call is in flight; the next one gets the error.
    if (!(error instanceof StateUnavailable)) file.judge(error);
  }
}
