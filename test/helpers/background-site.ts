import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { siteFolder } from './site-folder.ts';
import { untilResult } from './until-told.ts';

/** A line of the ledger of a site: what a function did, with what, in which attempt at which job, in which process, and when. */
export interface LedgerLine {
  readonly event: 'begins' | 'ends' | 'is told to end';
  readonly text: string;
  readonly job: string;
  readonly attempt: number;
  readonly pid: number;
  readonly atMs: number;
}

export interface BackgroundSite {
  readonly folder: string;
  /** What its functions did so far, in order. */
  ledger(): Promise<readonly LedgerLine[]>;
  /** Resolves with the ledger once it satisfies. */
  untilLedger(satisfies: (lines: readonly LedgerLine[]) => boolean): Promise<readonly LedgerLine[]>;
  /** Lets jobs whose text begins with `hold` end. */
  release(): Promise<void>;
}

/** Where the background function of the site is reached. */
export const WORK = '/.netlify/functions/work-background';

/** The name of its rule. */
export const WORK_RULE = 'netlify/work-background';

/**
 * A site of Netlify with a plain function (`/plain`) and a background function. That one does what its body says: `fail…` throws, `hold…` goes on
 * until `release`, and anything else ends at once. With `scheduled`, a third one runs each minute, and writes when it will run next.
 */
export async function backgroundSite(t: ExecutionContext, { scheduled = false } = {}): Promise<BackgroundSite> {
  const records = await siteFolder(t, { 'ledger.txt': '' });
  const [file, filter] = [join(records, 'ledger.txt'), join(records, 'released')];
  const withPaths = (text: string): string =>
    text.replaceAll('FILE', JSON.stringify(file)).replaceAll('GATE', JSON.stringify(filter));
  const folder = await siteFolder(t, {
    'netlify/functions/plain.mjs': PLAIN_SOURCE,
    'netlify/functions/work-background.mjs': withPaths(WORK_SOURCE),
    ...(scheduled && { 'netlify/functions/tick.mjs': withPaths(TICK_SOURCE) }),
  });
  const ledger = async () => {
    const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
    return lines.map((line): LedgerLine => JSON.parse(line));
  };
  return {
    folder,
    ledger,
    untilLedger: (satisfies) => untilResult(ledger, satisfies),
    release: () => writeFile(filter, ''),
  };
}

const PLAIN_SOURCE = `export default () => new Response('plain'); export const config = { path: '/plain' };`;

const NOTE = `
  import { appendFileSync, existsSync } from 'node:fs';
  // One write to the end of the file, whoever else writes: killed or not, it is there or not.
  const note = (event, text, headers) => appendFileSync(FILE, JSON.stringify({
    event, text, job: headers.get('x-nexthop-job-id'), attempt: Number(headers.get('x-nexthop-job-attempt')),
    pid: process.pid, atMs: Date.now(),
  }) + '\\n');`;

const WORK_SOURCE = `${NOTE}
  export default async (request) => {
    const text = (await request.text()).slice(0, 40);
    note('begins', text, request.headers);
    if (text.startsWith('fail')) throw new Error('it was told to ' + text);
    request.signal.addEventListener('abort', () => note('is told to end', text, request.headers));
    while (text.startsWith('hold') && !existsSync(GATE)) await new Promise((resolve) => setTimeout(resolve, 10));
    note('ends', text, request.headers);
  };`;

const TICK_SOURCE = `${NOTE}
  export default async (request) => note('begins', (await request.json()).next_run, request.headers);
  export const config = { schedule: '* * * * *' };`;

/** Sends a request for the background function. */
export function send(url: string, text: string | Uint8Array<ArrayBuffer>): Promise<Response> {
  return fetch(url + WORK, { method: 'POST', body: text });
}

/** Sends it again until it is taken, as to a store that only starts or comes back. Resolves when it is. */
export async function sendUntilTaken(url: string, text: string): Promise<void> {
  await untilResult(
    () => send(url, text),
    ({ status }) => status === 202,
  );
}
