import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { Config } from '../config/config.ts';
import { messageOf } from '../contract/error-message.ts';
import { didYouMean } from '../contract/problem.ts';
import { UserError } from '../contract/user-error.ts';
import { type MemoryEdge, openMemoryEdge } from '../embed/test-edge.ts';
import type { HostLog } from '../log/host-log.ts';
import type { Site } from '../site/site.ts';
import { defineCommand, type Out } from './command.ts';
import { enterSite } from './enter-site.ts';
import { UsageError } from './usage-error.ts';

export const command = defineCommand({
  forms: ['invoke PATH', 'invoke FUNCTION', 'invoke JOB'],
  about:
    'Runs one function without a server: the one that answers a path, a function by its name or file, or a scheduled function. The body of the response goes to stdout. Jobs that it starts run, too. Values, blobs and jobs are kept in a temporary folder, with --data-dir in that folder.',
  words: 'own',
  flags: {
    data: { value: 'TEXT', about: 'the body of the request: a text, @FILE, or - for stdin' },
    method: { value: 'METHOD', about: 'default: GET, with --data POST' },
    type: { value: 'TYPE', about: 'Content-Type; default: of JSON if the body is JSON' },
    event: { value: 'EVENT', about: 'scheduled: runs the function as its schedule does' },
  },
  examples: [
    ['nexthop invoke /api/hello?name=Ada', 'prints what the function answers'],
    ['nexthop invoke /api/orders --data=@order.json', 'posts a file'],
    ['nexthop invoke sweep --event=scheduled --site=my-site', 'runs a scheduled function now'],
  ],
  exits: { 0: 'the status is below 400, or the job is done', 1: 'any other status, or the job failed' },
  run: ({ config, words, flags, complain, stdout }) => {
    const folder = process.cwd();
    enterSite(config);
    return invoke(config, { words, folder, ...flags }, { complain, stdout, stdin: process.stdin });
  },
});

/** The arguments of `nexthop invoke`. */
export interface InvokeCall {
  readonly words: readonly string[];
  /** Files are relative to it. */
  readonly folder: string;
  readonly data?: string;
  readonly method?: string;
  readonly type?: string;
  readonly event?: string;
}

export interface InvokeStreams {
  readonly complain: Out;
  readonly stdout: NodeJS.WritableStream;
  readonly stdin: NodeJS.ReadableStream;
}

/**
 * Runs one function of the site. Resolves with the exit code. Rejects with a UsageError for invalid
 * arguments, with a UserError if there is no such function, and with a SiteError.
 */
export async function invoke(config: Config, call: InvokeCall, streams: InvokeStreams): Promise<number> {
  const { words, event } = call;
  const [name, extra] = words;
  if (name === undefined) throw new UsageError('say nexthop invoke /path, or the name of a function');
  if (extra !== undefined) throw new UsageError(`one function at a time, got ${JSON.stringify(extra)} too`);
  if (event !== undefined && event !== 'scheduled') {
    throw new UsageError(`--event is scheduled, got ${JSON.stringify(event)}`);
  }
  const folder = config.given.has('DATA_DIR') ? undefined : await mkdtemp(join(tmpdir(), 'nexthop-invoke-'));
  const own = { ...config, JOB_CONCURRENCY: 0, ...(folder !== undefined && { DATA_DIR: folder }) };
  try {
    const log = new CallLog(streams.complain);
    const edge = await openMemoryEdge(own, { log, hop: missing });
    log.isLoaded = true;
    try {
      const path = event === 'scheduled' ? undefined : toPath(name, edge.site);
      if (path === undefined) return await runJobs(edge, streams, name);
      const code = await request(edge, path, { ...streams, call });
      // Those of other processes, in a folder that was given, are theirs.
      const jobs = folder === undefined ? 0 : await runJobs(edge, streams);
      return Math.max(code, jobs);
    } finally {
      await edge.close();
    }
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

function missing({ method, url }: Request): Response {
  const text = `no route of the site answers ${method} ${new URL(url).pathname}: a server forwards it to the next hop\n`;
  return new Response(text, { status: 404 });
}

/** The path of a request to a function; undefined for the name of a scheduled one. Throws a UserError for an unknown name. */
function toPath(name: string, { routes, jobRules }: Site): string | undefined {
  if (name.startsWith('/') || /^https?:\/\//.test(name)) return name;
  const isNamed = ({ file }: { readonly file: string }): boolean => file === name || toStem(file) === name;
  const found = routes.filter((route) => route.folder === undefined && isNamed(route));
  const plain = found.find(({ pattern }) => !/[:*]/.test(pattern.text));
  if (plain) return plain.pattern.text;
  if (found[0])
    throw new UserError(
      `${found[0].file} answers ${found[0].pattern.text}: give a path, such as nexthop invoke ${found[0].pattern.text.replace(/[:*].*/, '…')}`,
    );
  if (jobRules.some((rule) => isNamed(rule) || rule.name === name)) return undefined;
  const names = [...routes.filter(({ folder }) => folder === undefined), ...jobRules].map(({ file }) => toStem(file));
  throw new UserError(
    `there is no function ${JSON.stringify(name)}${didYouMean(name, names) || '; "nexthop routes" lists them'}`,
  );
}

/** `hello` of `netlify/functions/hello.ts` and of `netlify/functions/hello/index.ts`. */
function toStem(file: string): string {
  const stem = basename(file, extname(file));
  return stem === 'index' ? basename(join(file, '..')) : stem;
}

interface Requesting extends InvokeStreams {
  readonly call: InvokeCall;
}

async function request(
  { fetch }: MemoryEdge,
  path: string,
  { call, complain, stdout, stdin }: Requesting,
): Promise<number> {
  const body = await readData(call, stdin);
  const method = call.method?.toUpperCase() ?? (body === undefined ? 'GET' : 'POST');
  const type = call.type ?? (body === undefined ? undefined : isJson(body) ? 'application/json' : 'text/plain');
  const response = await fetch(path, {
    method,
    ...(body !== undefined && { body }),
    ...(type !== undefined && { headers: { 'Content-Type': type } }),
  });
  complain(`${response.status} ${response.statusText}`.trimEnd());
  for (const [name, value] of response.headers) complain(`${name}: ${value}`);
  if (response.body) await pipeline(Readable.fromWeb(response.body as ReadableStream), stdout, { end: false });
  return response.status < 400 ? 0 : 1;
}

async function readData(
  { data, folder }: InvokeCall,
  stdin: NodeJS.ReadableStream,
): Promise<Buffer<ArrayBuffer> | undefined> {
  if (data === undefined) return undefined;
  if (data === '-') return Buffer.from(await buffer(stdin));
  if (!data.startsWith('@')) return Buffer.from(data);
  const file = resolve(folder, data.slice(1));
  return readFile(file).catch((error: unknown) => {
    throw new UserError(`the file ${JSON.stringify(file)} of --data cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  });
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString());
    return true;
  } catch {
    // Any other text.
    return false;
  }
}

/** Prints how each job ended. Resolves with 1 if one failed. */
async function runJobs({ jobs }: MemoryEdge, { complain }: InvokeStreams, name?: string): Promise<number> {
  const ended = await jobs.run(name);
  for (const { name: job, state } of ended) complain(`job ${job}: ${state === 'done' ? 'done' : 'failed'}`);
  return ended.every(({ state }) => state === 'done') ? 0 : 1;
}

/** What matters for one call: errors, and warnings after the site was loaded. Mistakes in the rest of the site are for `nexthop check`. */
class CallLog implements HostLog {
  isLoaded = false;
  readonly #complain: Out;

  constructor(complain: Out) {
    this.#complain = complain;
  }

  info(): void {}

  warn(message: string, details?: Readonly<Record<string, unknown>>): void {
    if (this.isLoaded) this.error(message, details);
  }

  error(message: string, { file, line, target }: Readonly<Record<string, unknown>> = {}): void {
    const place = typeof file === 'string' ? `${file}${line === undefined ? '' : `:${line}`}` : target;
    this.#complain(typeof place === 'string' ? `${place} ${message}` : message);
  }
}
