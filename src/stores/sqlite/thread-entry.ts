import { parentPort, workerData } from 'node:worker_threads';
import { Batches } from './batches.ts';
import { ChangeWatch } from './change-watch.ts';
import type { FromThread, ThreadSetup, ToThread } from './messages.ts';
import { StateFile, StateUnavailable } from './state-file.ts';

// The thread that has the database, for as long as its StateThread lives: node:sqlite blocks, and a commit waits for the disk.

if (!parentPort) throw new Error('thread-entry.ts is started by StateThread, in a thread of its own');
const port = parentPort;
const { file: path, fsync }: ThreadSetup = workerData; // by StateThread
const send = (message: FromThread): void => port.postMessage(message);

let isWatching = false;
let watch: ChangeWatch | undefined;
/** Changes when somebody else committed, and never by what is committed here. */
let version: unknown;

const file = new StateFile({
  path,
  fsync,
  onOpen: () => {
    if (isWatching) startWatch();
  },
  onMoved: (message) => send({ kind: 'warning', message }),
});
const batches = new Batches(file, (answers) => send({ kind: 'answers', answers }));

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'ask':
      return batches.add(message.ask);
    case 'watch':
      isWatching = true;
      return lookForChange();
    case 'close':
      return close();
  }
});

send({ kind: 'running' });

/** What was asked before is done first. */
function close(): void {
  if (!batches.isIdle) {
    setImmediate(close);
    return;
  }
  watch?.close();
  file.close();
  port.close();
}

/** Anew for each database that is opened, which may lie in a new folder. */
function startWatch(): void {
  watch?.close();
  version = undefined;
  watch = new ChangeWatch(path, lookForChange);
}

function lookForChange(): void {
  try {
    const { database } = file.open();
    if (!watch) startWatch();
    const seen = database.prepare('PRAGMA data_version').get()?.data_version;
    if (version !== undefined && version !== seen) send({ kind: 'changed' });
    version = seen;
  } catch (error) {
    // Nobody asked for anything: whoever does is told.
    if (!(error instanceof StateUnavailable)) file.judge(error);
  }
}
