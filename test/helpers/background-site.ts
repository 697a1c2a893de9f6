import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { jsonLines } from './json-lines.ts';
import { siteFolder } from './site-folder.ts';
import { untilResult } from './until-result.ts';

/** A line of the ledger of a site: the event, the job's text, id and attempt, the process and the time. */
export interface LedgerLine {
  readonly event: 'begins' | 'ends' | 'is aborted';
  readonly text: string;
  readonly job: string;
  readonly attempt: number;
  readonly pid: number;
  readonly atMs: number;
}

export interface BackgroundSite {
  readonly folder: string;
  /** The events of its functions so far, in order. */
  ledger(): Promise<readonly LedgerLine[]>;
  /** Resolves with the ledger when `satisfies` accepts it. */
  untilLedger(satisfies: (lines: readonly LedgerLine[]) => boolean): Promise<readonly LedgerLine[]>;
  /** Lets the jobs end whose text begins with `hold`. */
  release(): Promise<void>;
}

/** The path of the site's background function. */
export const WORK = '/.netlify/functions/work-background';

/** The name of the function's job rule. */
export const WORK_RULE = 'netlify/work-background';

/**
 * Creates a Netlify site with a plain function (`/plain`) and a background function. The body of the request controls that one: `fail…` throws, `hold…` runs
 * until `release`, and any other text ends immediately. With `scheduled`, a third function runs each minute and writes the time of its next run.
 */
export async function backgroundSite(t: ExecutionContext, { scheduled = false } = {}): Promise<BackgroundSite> {
  const { file, read, until } = await jsonLines<LedgerLine>(t);
  const released = join(dirname(file), 'released');
  const withPaths = (text: string): string =>
    text.replaceAll('FILE', JSON.stringify(file)).replaceAll('RELEASED', JSON.stringify(released));
  const folder = await siteFolder(t, {
    'netlify/functions/plain.mjs': PLAIN_SOURCE,
    'netlify/functions/work-background.mjs': withPaths(WORK_SOURCE),
    ...(scheduled && { 'netlify/functions/tick.mjs': withPaths(TICK_SOURCE) }),
  });
  return { folder, ledger: read, untilLedger: until, release: () => writeFile(released, '') };
}

const PLAIN_SOURCE = `export default () => new Response('plain'); export const config = { path: '/plain' };`;

const NOTE = `
  import { appendFileSync, existsSync } from 'node:fs';
  // One append, so that a line of a killed process is complete or absent.
  const note = (event, text, headers) => appendFileSync(FILE, JSON.stringify({
    event, text, job: headers.get('x-nexthop-job-id'), attempt: Number(headers.get('x-nexthop-job-attempt')),
    pid: process.pid, atMs: Date.now(),
  }) + '\\n');`;

const WORK_SOURCE = `${NOTE}
  export default async (request) => {
    const text = (await request.text()).slice(0, 40);
    note('begins', text, request.headers);
    if (text.startsWith('fail')) throw new Error('the text is ' + text);
    request.signal.addEventListener('abort', () => note('is aborted', text, request.headers));
    while (text.startsWith('hold') && !existsSync(RELEASED)) await new Promise((resolve) => setTimeout(resolve, 10));
    note('ends', text, request.headers);
  };`;

const TICK_SOURCE = `${NOTE}
  export default async (request) => note('begins', (await request.json()).next_run, request.headers);
  export const config = { schedule: '* * * * *' };`;

/** Sends a request for the background function. */
export function send(url: string, text: string | Uint8Array<ArrayBuffer>): Promise<Response> {
  return fetch(url + WORK, { method: 'POST', body: text });
}

/** Sends a request repeatedly until it gets 202, because the store may be starting or recovering. */
export async function sendUntilTaken(url: string, text: string): Promise<void> {
  await untilResult(
    () => send(url, text),
    ({ status }) => status === 202,
  );
}
