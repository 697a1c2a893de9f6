import type { ExecutionContext } from 'ava';
import type { Exchange } from '../../src/contract/exchange.ts';
import { Fault } from '../../src/contract/fault.ts';
import type { Route } from '../../src/contract/route.ts';
import type { Params } from '../../src/contract/target.ts';
import type { TomlRedirect } from '../../src/dialects/netlify/config/toml-redirects.ts';
import type { Declaration } from '../../src/dialects/netlify/find/declaration.ts';
import { toRedirectRoutes } from '../../src/dialects/netlify/rules/to-redirect-routes.ts';
import { toRoutes } from '../../src/dialects/netlify/to-routes.ts';
import { createRouter } from '../../src/routing/router.ts';
import type { ExchangeServer } from './exchange-server.ts';
import { serveHandler } from './handler-server.ts';
import { route } from './route.ts';

export type Rule = Pick<TomlRedirect, 'from' | 'to'> & Partial<TomlRedirect>;

/** A rule with what it does not say left at the defaults. */
export function toRule(rule: Rule): TomlRedirect {
  return { file: 'netlify.toml', status: 301, force: false, query: {}, others: [], ...rule };
}

/** The site's functions and files, its rules behind them, and a hop that has nothing. */
export async function serveRules(
  t: ExecutionContext,
  rules: readonly Rule[],
  others: readonly Route[] = [],
): Promise<ExchangeServer> {
  const functions = others.filter(({ dialect }) => dialect === 'netlify');
  const { routes, problems } = toRedirectRoutes(rules.map(toRule), functions, createRouter);
  t.deepEqual(problems, []);
  const answer = async ({ response }: Exchange) => {
    response.writeHead(404).end();
    return 'answered' as const;
  };
  return serveHandler(t, { routes: [...others, ...routes], fallback: { name: 'miss', answer } });
}

/** Sends one request and resolves with all that is answered. */
export async function ask(server: ExchangeServer, target: string, method = 'GET'): Promise<string> {
  return server.exchange(`${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
}

/** The routes of a function that answers where it was reached and with what. */
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
      async answer({ response, target }: Exchange, params: Params) {
        if (name === 'bad') throw new Fault('function_error');
        response.writeHead(200).end(`${text} asked for ${target} with ${JSON.stringify(params)}`);
        return 'answered';
      },
    };
  }).routes;
}

/** A file, or what else answers at its step. */
export function file(path: string, step: Route['step'] = 3): Route {
  const answer = async ({ response }: Exchange) => {
    response.end('the file');
    return 'answered' as const;
  };
  return route(path, { step, target: { name: 'file', answer } });
}
