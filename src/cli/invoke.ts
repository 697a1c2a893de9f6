import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { isNativeError } from 'node:util/types';
import type { Config } from '../config/config.ts';
import type { HostLog } from '../contract/log.ts';
import { didYouMean } from '../contract/problem.ts';
import { UserError } from '../contract/user-error.ts';
import { type MemoryEdge, openMemoryEdge } from '../embed/test-edge.ts';
import type { Site } from '../site/site.ts';
import { defineCommand, type Out } from './command.ts';
import { enterSite } from './enter-site.ts';
import {
  type Calling,
  type InvokeCall,
  type InvokeResult,
  type InvokeStreams,
  request,
  toHeaders,
} from './invoke-request.ts';
import { UsageError } from './usage-error.ts';

export const command = defineCommand({
  forms: ['invoke PATH', 'invoke FUNCTION', 'invoke JOB', 'invoke --schedule=NAME'],
  about:
    'Runs one function without a server: the one that answers a path, a function by its name or file, or a scheduled function, as a JOB, by its name. The body of the response goes to stdout, the rest to stderr. Jobs that it starts run, too. Values, blobs and jobs are kept in a temporary folder, with --data-dir in that folder.',
  words: 'own',
  flags: {
    data: { short: 'd', value: 'TEXT', about: 'the body of the request: a text, @FILE, or - for stdin' },
    method: { short: 'X', value: 'METHOD', about: 'default: GET, with --data POST' },
    type: { value: 'TYPE', about: 'Content-Type; default: of JSON if the body is JSON' },
    header: {
      short: 'H',
      value: "'NAME: VALUE'",
      about: 'a header of the request; may be given more than once',
      separator: '\n',
    },
    json: { about: 'print one JSON object: status, headers, body, jobs and errors' },
    event: { value: 'EVENT', about: 'scheduled: runs the function as its schedule does' },
    schedule: { value: 'NAME', about: 'runs a schedule of edgeone.json, or a scheduled function, now' },
  },
  examples: [
    ["nexthop invoke '/api/hello?name=Ada'", 'prints what the function answers'],
    ['nexthop invoke /api/orders --data=@order.json', 'posts a file'],
    [`nexthop invoke /api/me --header='Cookie: id=7' --json`, 'sends a header; prints all of the response as JSON'],
    ['nexthop invoke sweep --event=scheduled --site=my-site', 'runs a scheduled function now'],
  ],
  exits: { 0: 'the status is below 400, or the job is done', 1: 'any other status, or the job failed' },
  run: ({ config, words, flags, complain, stdout }) => {
    const folder = process.cwd();
    enterSite(config);
    return invoke(config, { words, folder, ...flags }, { complain, stdout, stdin: process.stdin });
  },
});

/**
 * Runs one function of the site. Resolves with the exit code. Rejects with a UsageError for invalid
 * arguments, with a UserError if there is no such function, and with a SiteError.
 */
export async function invoke(config: Config, call: InvokeCall, streams: InvokeStreams): Promise<number> {
  const { words, event, schedule } = call;
  const [name = schedule, extra] = words;
  if (schedule !== undefined && words.length > 0) {
    throw new UsageError(`--schedule names what runs, got ${JSON.stringify(words[0])} too; the site is --site=PATH`);
  }
  if (name === undefined) throw new UsageError('say nexthop invoke /path, or the name of a function');
  if (extra !== undefined) throw new UsageError(`one function at a time, got ${JSON.stringify(extra)} too`);
  if (event !== undefined && event !== 'scheduled') {
    throw new UsageError(`--event must be scheduled, or be left out, got ${JSON.stringify(event)}`);
  }
  const headers = toHeaders(call);
  const folder = config.given.has('DATA_DIR') ? undefined : await mkdtemp(join(tmpdir(), 'nexthop-invoke-'));
  const own = { ...config, JOB_CONCURRENCY: 0, ...(folder !== undefined && { DATA_DIR: folder }) };
  const result: InvokeResult = { errors: [] };
  try {
    const log = new CallLog(streams.complain, result.errors);
    const hop = schedule === undefined ? missing : toUnreached(streams.complain);
    const edge = await openMemoryEdge(own, { log, hop });
    log.isLoaded = true;
    try {
      const rule = schedule === undefined ? undefined : toScheduledRule(schedule, edge.site);
      const path = rule === undefined && event === undefined ? toPath(name, edge.site) : undefined;
      const calling = { ...streams, call, headers, result };
      const codes: number[] = [];
      if (path === undefined) codes.push(await runJobs(edge, calling, rule ?? name));
      else {
        codes.push(await request(edge, path, calling));
        // Those of other processes, in a folder that was given, are theirs.
        if (folder !== undefined) codes.push(await runJobs(edge, calling));
      }
      if (call.json) streams.stdout.write(`${toJson(result)}\n`);
      return Math.max(...codes);
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

/** A schedule must not seem to have run if only a server would have sent its request on. */
function toUnreached(complain: Out): (request: Request) => Response {
  return ({ method, url }) => {
    complain(`no function answers ${method} ${new URL(url).pathname}: a server sends this request to the next hop`);
    return new Response(null, { status: 502 });
  };
}

/** The rule of a schedule, by its name in `edgeone.json` or by the name or file of a function. Throws a UserError with all names. */
function toScheduledRule(name: string, { jobRules }: Site): string {
  const scheduled = jobRules.filter(({ schedule }) => schedule !== undefined);
  const own = ({ name: rule }: { readonly name: string }): string => rule.slice(rule.indexOf('/') + 1);
  const found =
    scheduled.find((rule) => rule.name === name || own(rule) === name) ?? scheduled.find(({ file }) => file === name);
  if (found) return found.name;
  const names = scheduled.map(own);
  const list = names.length === 0 ? 'the site has none' : `the schedules are ${names.join(', ')}`;
  throw new UserError(`there is no schedule ${JSON.stringify(name)}${didYouMean(name, names)}; ${list}`);
}

/** The path of a request to a function; undefined for the name of a scheduled one. Throws a UserError for an unknown name. */
function toPath(name: string, { routes, jobRules }: Site): string | undefined {
  if (name.startsWith('/') || /^https?:\/\//.test(name)) return name;
  const isNamed = ({ file }: { readonly file: string }): boolean => file === name || toStem(file) === name;
  const called = routes.filter(({ folder, pattern }) => folder === undefined && pattern.text.startsWith('/'));
  const found = called.filter(isNamed);
  const plain = found.find(({ pattern }) => !/[:*]/.test(pattern.text));
  if (plain) return plain.pattern.text;
  if (found[0])
    throw new UserError(
      `${found[0].file} answers ${found[0].pattern.text}: give a path, such as nexthop invoke ${found[0].pattern.text.replace(/[:*].*/, '…')}`,
    );
  if (jobRules.some((rule) => isNamed(rule) || rule.name === name)) return undefined;
  const filter = routes.find((route) => route.step === 1 && isNamed(route));
  if (filter)
    throw new UserError(`${filter.file} runs before what answers a request: give a path, such as nexthop invoke /`);
  const names = [...called, ...jobRules].map(({ file }) => toStem(file));
  throw new UserError(
    `there is no function ${JSON.stringify(name)}${didYouMean(name, names) || '; "nexthop routes" lists them'}`,
  );
}

/** `hello` of `netlify/functions/hello.ts` and of `netlify/functions/hello/index.ts`. */
function toStem(file: string): string {
  const stem = basename(file, extname(file));
  return stem === 'index' ? basename(join(file, '..')) : stem;
}

/** The errors come last. */
function toJson({ errors, ...rest }: InvokeResult): string {
  return JSON.stringify({ ...rest, errors }, undefined, 2);
}

/** Prints how each job ended. Resolves with 1 if one failed. */
async function runJobs({ jobs }: MemoryEdge, { call, result, complain }: Calling, name?: string): Promise<number> {
  const ended = await jobs.run(name);
  result.jobs = ended;
  for (const { name: job, state } of call.json ? [] : ended) {
    complain(`job ${job}: ${state === 'done' ? 'done' : 'failed'}`);
  }
  return ended.every(({ state }) => state === 'done') ? 0 : 1;
}

/** What matters for one call: errors, and warnings after the site was loaded. Mistakes in the rest of the site are for `nexthop check`. */
class CallLog implements HostLog {
  isLoaded = false;
  readonly #complain: Out;
  readonly #errors: string[];

  constructor(complain: Out, errors: string[]) {
    this.#complain = complain;
    this.#errors = errors;
  }

  info(): void {}

  warn(message: string, details?: Readonly<Record<string, unknown>>): void {
    if (this.isLoaded) this.error(message, details);
  }

  error(message: string, { file, line, column, target, error }: Readonly<Record<string, unknown>> = {}): void {
    const place =
      typeof file === 'string' ? [file, line, column].filter((part) => part !== undefined).join(':') : target;
    // A message such as "x is not defined" says less without the kind of its error.
    const isOnlyError = isNativeError(error) && error.message === message && error.name !== 'Error';
    const told = isOnlyError ? `${error.name}: ${message}` : message;
    const text = typeof place === 'string' ? `${place} ${told}` : told;
    this.#errors.push(text);
    this.#complain(text);
  }
}
