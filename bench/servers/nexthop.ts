import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from '../child.ts';
import { writeFiles } from '../files.ts';
import { PACKAGES } from './npm-package.ts';
import type { Location, Server } from './server.ts';

const ROOT = join(import.meta.dirname, '..', '..');
export const PROGRAM = join(ROOT, 'dist', 'cli', 'cli.js');

/** nexthop as in production: built, with its access log, with a site of one function and a few files. */
export const nexthop: Server = {
  name: 'nexthop',
  families: ['forward', 'function', 'netlify', 'limited', 'app', 'file'],
  logs: true,
  find: () => {
    if (!existsSync(PROGRAM)) return { missing: 'npm run prepare, which builds dist/cli/cli.js' };
    return { version: String(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version) };
  },
  prepare: async (location) => {
    const { folder, family } = location;
    const site = join(folder, 'site');
    await writeText(
      join(site, 'cloud-functions', 'hello.js'),
      "export default function onRequest() {\n  return new Response('Hello from Node.js!');\n}\n",
    );
    await writeFiles(join(site, 'public'));
    if (family === 'netlify') {
      await writeText(
        join(site, 'netlify', 'functions', 'hello.mjs'),
        "export default () => new Response('Hello from Node.js!');\nexport const config = { path: '/hello-netlify' };\n",
      );
      await writeText(
        join(site, 'netlify', 'functions', 'cached.mjs'),
        "export default () => new Response('Hello from Node.js!', { headers: { 'Cache-Control': 'public, max-age=3600' } });\nexport const config = { path: '/hello-cached' };\n",
      );
    }
    if (family === 'limited') {
      // A site of its own: a site with a limit looks for it in each request. It is never reached.
      await writeText(
        join(site, 'netlify', 'functions', 'limited.mjs'),
        "export default () => new Response('Hello from Node.js!');\nexport const config = { path: '/hello-limited', rateLimit: { windowLimit: 1e9, windowSize: 60, aggregateBy: ['ip', 'domain'] } };\n",
      );
    }
    // Its packages would be in the memory of the other scenarios.
    if (family === 'app') await addApp(site);
    return prepareNexthop(location, site);
  },
};

/** The same with metrics, which no request reads. */
export const nexthopWithMetrics: Server = {
  ...nexthop,
  name: 'nexthop-metrics',
  families: ['forward', 'function'],
  prepare: async (location) => {
    const command = await nexthop.prepare(location);
    return { ...command, environment: { ...command.environment, METRICS_PATH: '/.well-known/nexthop/metrics' } };
  },
};

/** Starts nexthop for a site. */
export function prepareNexthop({ port, originPort, folder }: Location, site: string): Command {
  return {
    program: process.execPath,
    // As in `npm start`.
    args: ['--max-semi-space-size=8', PROGRAM, 'start', site],
    environment: {
      PORT: String(port),
      NEXT_HOP: `http://127.0.0.1:${originPort}`,
      LOG_DIR: join(folder, 'logs'),
      NODE_ENV: 'production',
      // Its rivals are one process, too.
      WORKERS: '0',
    },
  };
}

async function writeText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

async function addApp(site: string): Promise<void> {
  const folder = join(site, 'cloud-functions', 'app');
  await mkdir(folder);
  await copyFile(join(import.meta.dirname, '..', 'apps', 'express.js'), join(folder, '[[default]].js'));
  await symlink(PACKAGES, join(site, 'node_modules'));
}
