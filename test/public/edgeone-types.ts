import { execFile } from 'node:child_process';
import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { siteFolder } from '../helpers/site-folder.ts';

const ROOT = join(import.meta.dirname, '../..');

const CONFIG = JSON.stringify({
  compilerOptions: { target: 'es2024', module: 'nodenext', strict: true, noEmit: true, types: ['node'] },
});

const PACKAGE_CONFIG = JSON.stringify({
  extends: join(ROOT, 'src/tsconfig.json'),
  compilerOptions: { rootDir: join(ROOT, 'src'), outDir: 'dist', emitDeclarationOnly: true },
  files: [join(ROOT, 'src/public/edgeone.ts')],
  include: [],
});

test("a user's functions compile with the types of nexthop/edgeone", async (t) => {
  const errors = await compile(t, {
    'cloud-functions/users/[id].ts': `import type { EventContext, Handler } from 'nexthop/edgeone';
      export async function onRequestPost({ request, env, params, uuid, server, clientIp, geo, waitUntil }: EventContext<{ id: string }>): Promise<Response> {
        waitUntil(fetch('http://example.org/', { signal: request.signal }));
        const name: string | undefined = request.cookies.name;
        const page = request.query.page;
        const where = [geo.cityName, geo.countryCodeAlpha2, server.region, server.requestId];
        return Response.json({ id: params.id.toUpperCase(), body: await request.json(), name, page, where, uuid, clientIp, key: env.KEY });
      }
      export const onRequestGet: Handler = ({ params }) => ({ params });
      export const onRequestDelete: Handler = () => undefined;`,
    'cloud-functions/prompt.ts': `import type { Env, EventContext, Params } from 'nexthop/edgeone';
      export const config = { body: 'parsed' };
      export const onRequestPost = ({ request }: EventContext<Params, Env, { prompt: string }>) => request.body.prompt.length;
      export const onRequestPut = ({ request }: EventContext<Params, Env, ReadableStream | null>) =>
        new Response(request.body);
      export const onRequestPatch = ({ request }: EventContext) => typeof request.body === 'string' && request.body.length;`,
    'cloud-functions/chat.ts': `import type { EventContext, WebSocketResult } from 'nexthop/edgeone';
      export function onRequest(context: EventContext): WebSocketResult {
        return { websocket: {
          onopen: (socket, request) => socket.send(String(request.url)),
          onmessage(socket, data, isBinary) { if (!isBinary) socket.send(data.toString()); },
          onclose: (socket, code, reason) => context.waitUntil(Promise.resolve([code, reason.toString()])),
          onerror: (socket, error) => socket.close(1011, error.message),
        } };
      }`,
    'cloud-functions/count.ts': `import type { KvNamespace } from 'nexthop/edgeone';
      declare const my_kv: KvNamespace;
      export async function onRequest(): Promise<Response> {
        const text: string | null = await my_kv.get('count');
        const facts = await my_kv.get<{ count: number }>('facts', { type: 'json' });
        const bytes: ArrayBuffer | null = await my_kv.get('bytes', 'arrayBuffer');
        await my_kv.put('count', String(Number(text) + (facts?.count ?? 0) + (bytes?.byteLength ?? 0)));
        const { keys, cursor, complete } = await my_kv.list({ prefix: 'a', limit: 10, cursor: undefined });
        for (const { key, name } of keys) await my_kv.delete(key + name);
        return new Response(await my_kv.get('stream', 'stream'), { headers: { cursor: complete ? '' : String(cursor) } });
      }`,
    'edge-functions/admin/[[rest]].ts': `import type { EdgeContext, EdgeHandler } from 'nexthop/edgeone';
      export function onRequest({ request, eo, env, waitUntil }: EdgeContext): Response | Promise<Response> {
        waitUntil(fetch('http://example.org/'));
        if (request.headers.get('authorization') !== env.TOKEN) return new Response(eo.geo.countryName, { status: 401 });
        return fetch(request);
      }
      export const onRequestPost: EdgeHandler<{ rest: string }> = async ({ request, params }) => {
        const asn: number | undefined = request.eo.geo.asn;
        return Response.json([params.rest.length, asn, await request.json()]);
      };`,
    'middleware.ts': `import type { MiddlewareConfig, MiddlewareContext } from 'nexthop/edgeone';
      export function middleware({ request, next, redirect, rewrite, urlInfo, geo, clientIp, env }: MiddlewareContext): Response {
        if (!request.cookies.session) return redirect('/login', 302);
        if (urlInfo.pathname === '/old') return rewrite('/new');
        const response = next({ headers: { 'x-city': geo.cityName ?? clientIp }, request: { headers: { 'x-key': env.KEY ?? '' } } });
        response.cookies.set('seen', '1', { httpOnly: true });
        return response;
      }
      export const config: MiddlewareConfig = { matcher: ['/api/:path*', { source: '/old' }] };`,
  });

  t.is(errors, '');
});

test('a type error in a function is reported', async (t) => {
  const errors = await compile(t, {
    'cloud-functions/a.ts': `import type { EventContext } from 'nexthop/edgeone';
      export const onRequest = ({ nothing }: EventContext) => nothing;`,
  });

  t.regex(errors, /cloud-functions\/a\.ts.*Property 'nothing' does not exist/);
});

/** Runs tsc on a site that has the package installed as by npm. Resolves with its output. */
async function compile(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<string> {
  const site = await siteFolder(t, {
    ...files,
    'tsconfig.json': CONFIG,
    'package.json': '{"type": "module"}',
    'node_modules/nexthop/tsconfig.json': PACKAGE_CONFIG,
  });
  await cp(join(ROOT, 'package.json'), join(site, 'node_modules/nexthop/package.json'));
  await symlink(join(ROOT, 'node_modules/@types'), join(site, 'node_modules/@types'));
  // Compiled from the source: dist may be out of date.
  const built = await runCompiler(site, 'node_modules/nexthop');
  return built || runCompiler(site, '.');
}

/** Resolves with the errors. */
async function runCompiler(site: string, folder: string): Promise<string> {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  try {
    await promisify(execFile)(process.execPath, [compiler, '-p', folder], { cwd: site });
    return '';
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout); // of a process that ended with another code than 0
  }
}
