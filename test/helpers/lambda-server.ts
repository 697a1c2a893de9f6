import type { ExecutionContext } from 'ava';
import type { Log } from '../../src/contract/log.ts';
import type { Project, ProjectLimits } from '../../src/contract/project.ts';
import { FunctionTarget } from '../../src/dialects/netlify/call/function-target.ts';
import { toLambdaRun } from '../../src/dialects/netlify/call/lambda-run.ts';
import { type Platform, toPlatform } from '../../src/dialects/netlify/call/platform.ts';
import { createRouter } from '../../src/routing/router.ts';
import { type ExchangeServer, serveExchanges } from './exchange-server.ts';
import { NO_LIMITS } from './project.ts';

export interface LambdaServer extends ExchangeServer {
  readonly url: string;
  /** The log messages so far. */
  readonly lines: readonly LogLine[];
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface LambdaSetup {
  readonly env?: Project['env'];
  readonly limits?: Partial<ProjectLimits>;
  readonly mockCountry?: string;
  readonly route?: string;
}

/** Serves a Lambda-compatible handler under every path. */
export async function serveLambda(
  t: ExecutionContext,
  handler: unknown,
  { route, ...setup }: LambdaSetup = {},
): Promise<LambdaServer> {
  const lines: LogLine[] = [];
  const platform = netlifyPlatform(lines, setup);
  const run = toLambdaRun({ handler }, { name: 'hello', file: 'netlify/functions/hello.js', platform });
  if (!run) throw new TypeError('no handler');
  const limits = platform.limits.of();
  const target = new FunctionTarget({ name: 'netlify/functions/hello.js', run, route, limits, platform });
  const server = await serveExchanges(t, async (exchange) => {
    await target.answer(exchange, {});
  });
  return { ...server, lines, url: `http://127.0.0.1:${server.port}` };
}

/** The platform that the functions of a site share. Its log is in `lines`. */
export function netlifyPlatform(lines: LogLine[], { env = {}, limits, mockCountry }: LambdaSetup = {}): Platform {
  const write =
    (level: string): Log['info'] =>
    (message, fields = {}) =>
      lines.push({ level, message, fields });
  const log = {
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    access() {},
    reopen() {},
    async close() {},
  };
  return toPlatform({
    root: '/site',
    dataDir: '/site/.nexthop',
    log,
    region: 'lhr',
    env,
    createRouter,
    processEnv: process.env,
    functionLimits: { ...NO_LIMITS, ...limits },
    ...(mockCountry && { mockCountry }),
  });
}
