import { type RoutesOptions, routes } from '../../src/cli/routes.ts';
import { readConfig } from '../../src/config/config.ts';

/** What `nexthop routes PATH` says about a request, with single spaces, without the request itself. */
export async function rowsOf(site: string, request: { method: string; target: string }): Promise<readonly string[]> {
  const [, , ...rows] = (await runRoutes(site, { request })).split('\n');
  return rows.map((row) => row.trim().replaceAll(/ +/g, ' '));
}

/** What `nexthop routes` prints. */
export async function runRoutes(site: string, options: RoutesOptions): Promise<string> {
  const lines: string[] = [];
  await routes(readConfig({ site, env: {} }), (line) => lines.push(line), options);
  return lines.join('\n');
}
