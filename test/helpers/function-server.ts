import type { ExecutionContext } from 'ava';
import type { Project } from '../../src/contract/project.ts';
import type { Params } from '../../src/contract/target.ts';
import { compile } from '../../src/dialects/loader/compile.ts';
import { FunctionTarget } from '../../src/dialects/netlify/call/function-target.ts';
import { installGlobals } from '../../src/dialects/netlify/call/globals.ts';
import { toModernRun } from '../../src/dialects/netlify/call/modern-run.ts';
import { toPlatform } from '../../src/dialects/netlify/call/platform.ts';
import { recordDecodedBodies } from '../../src/http/decoded-bodies.ts';
import { installLazyRequest } from '../../src/http/lazy-request.ts';
import { installTextResponse } from '../../src/http/text-response.ts';
import { type ExchangeServer, serveExchanges } from './exchange-server.ts';
import { project } from './project.ts';
import { writeText } from './write-text.ts';

export interface FunctionServer extends ExchangeServer {
  readonly url: string;
  /** The log messages so far, with their details. */
  readonly lines: readonly LogLine[];
}

export interface LogLine {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface FunctionSetup {
  readonly project?: Partial<Project>;
  readonly params?: Params;
  readonly route?: string;
  /** The timeout of the function's configuration. */
  readonly timeoutMs?: number;
  readonly trusted?: boolean;
}

/** Compiles the text as a modern Netlify function and serves it under every path. Its errors are in `faults`. */
export async function serveFunction(
  t: ExecutionContext,
  text: string,
  { project: parts, params = {}, route, timeoutMs, trusted = true }: FunctionSetup = {},
): Promise<FunctionServer> {
  const lines: LogLine[] = [];
  const note = (message: string, fields = {}): number => lines.push({ message, fields });
  const opened = await project(t, { [FILE]: text }, parts);
  const log = { ...opened.log, info: note, warn: note, error: note };
  const platform = toPlatform({ ...opened, log });
  installTextResponse();
  recordDecodedBodies();
  installLazyRequest();
  installGlobals(opened);
  const compiled = await compile(opened, { files: [`${opened.root}/${FILE}`] });
  const loaded = await compiled.load(`${opened.root}/${FILE}`);
  if (loaded.state !== 'ready') throw new Error(`the function is not loaded: ${JSON.stringify(compiled.problems)}`);
  const run = toModernRun(loaded.exports, platform);
  const limits = platform.limits.of(timeoutMs);
  const target = new FunctionTarget({ name: FILE, run, route, limits, platform });
  const server = await serveExchanges(
    t,
    async (exchange) => {
      if ((await target.answer(exchange, params)) === 'passed') writeText(exchange, 421, 'passed');
    },
    { trusted },
  );
  return { ...server, lines, url: `http://127.0.0.1:${server.port}` };
}

const FILE = 'netlify/functions/f.mts';
