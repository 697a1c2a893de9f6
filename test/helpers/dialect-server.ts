import type { ExecutionContext } from 'ava';
import type { Dialect, Reading } from '../../src/contract/dialect.ts';
import type { Project } from '../../src/contract/project.ts';
import { createRouter } from '../../src/routing/router.ts';
import { type ExchangeServer, serveExchanges } from './exchange-server.ts';
import { project } from './project.ts';
import { writeText } from './write-text.ts';

export interface DialectServer extends ExchangeServer {
  readonly reading: Reading;
  readonly url: string;
  readonly root: string;
}

/** Reads the files (path → text) as a site of the dialect and serves its routes. A request that no route answers gets 421 with the text "missed". */
export async function serveDialect(
  t: ExecutionContext,
  dialect: Dialect,
  files: Readonly<Record<string, string>>,
  parts: Partial<Project> = {},
): Promise<DialectServer> {
  const opened = await project(t, files, parts);
  const reading = await dialect.read(opened);
  const router = createRouter(reading.routes);
  const server = await serveExchanges(t, async (exchange) => {
    for (const { route, params } of router.find(exchange.request.method, exchange.target)) {
      exchange.route = route.pattern.text;
      if ((await route.target.answer(exchange, params)) === 'answered') return;
    }
    writeText(exchange, 421, 'missed');
  });
  return { ...server, reading, root: opened.root, url: `http://127.0.0.1:${server.port}` };
}
