import type { ExecutionContext } from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { Fault } from '../../src/contract/fault.ts';
import type { Route } from '../../src/contract/route.ts';
import type { Outcome, Params } from '../../src/contract/target.ts';
import type { RedirectRule } from '../../src/dialects/netlify/config/redirect-rule.ts';
import type { Declaration } from '../../src/dialects/netlify/find/declaration.ts';
import { toRedirectRoutes } from '../../src/dialects/netlify/rules/to-redirect-routes.ts';
import { toRoutes } from '../../src/dialects/netlify/to-routes.ts';
import { createRouter } from '../../src/routing/router.ts';
import type { ExchangeServer } from './exchange-server.ts';
import { serveHandler } from './handler-server.ts';
import { route } from './route.ts';
import { writeText } from './write-text.ts';

export type Rule = Pick<RedirectRule, 'from' | 'to'> & Partial<RedirectRule>;

/** A rule with defaults for all other values. */
export function toRule(rule: Rule): RedirectRule {
  return {
    file: 'netlify.toml',
    status: 301,
    force: false,
    query: {},
    conditions: {},
    headers: {},
    others: [],
    ...rule,
  };
}

/** Serves the functions and files of a site, the rules after them, and a fallback that answers 404. */
export async function serveRules(
  t: ExecutionContext,
  rules: readonly Rule[],
  others: readonly Route[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<ExchangeServer> {
  const functions = others.filter(({ dialect }) => dialect === 'netlify');
  const { routes, problems } = toRedirectRoutes({
    rules: rules.map(toRule),
    functions,
    project: { createRouter, env },
  });
  t.deepEqual(problems, []);
  const answer = async (exchange: Exchange) => {
    writeText(exchange, 404, '');
    return 'answered' as const;
  };
  return serveHandler(t, { routes: [...others, ...routes], fallback: { name: 'fallback', answer } });
}

/** Sends one request and resolves with the whole response. */
export async function exchange(
  server: Pick<ExchangeServer, 'exchange'>,
  target: string,
  method = 'GET',
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const lines = Object.entries({ Host: 'a', Connection: 'close', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return server.exchange(`${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
}

/** The routes of a function that answers with its pattern, its target and its params. */
export function functionRoutes(name: string, config: Partial<Declaration['config']> = {}): readonly Route[] {
  const declaration: Declaration = {
    name,
    file: `netlify/functions/${name}.mts`,
    path: `/site/netlify/functions/${name}.mts`,
    generated: false,
    generation: 'modern',
    config: { paths: [], excludedPaths: [], methods: 'any', preferStatic: false, background: false, ...config },
  };
  return toRoutes(declaration, (path) => {
    const text = `${name} at ${path}`;
    return {
      name: text,
      answer(exchange: Exchange, params: Params): Outcome {
        if (name === 'bad') throw new Fault('function_error');
        writeText(exchange, 200, `${text} called for ${exchange.target} with ${JSON.stringify(params)}`);
        return 'answered';
      },
    };
  }).routes;
}

/** A route of a file, or of another target at `step`. */
export function file(path: string, step: Route['step'] = 3): Route {
  const answer = async (exchange: Exchange) => {
    writeText(exchange, 200, 'the file');
    return 'answered' as const;
  };
  return route(path, { step, target: { name: 'file', answer } });
}
