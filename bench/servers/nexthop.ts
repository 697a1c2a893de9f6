import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFiles } from '../files.ts';
import type { Server } from './server.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = join(ROOT, 'dist', 'cli', 'cli.js');

/** nexthop as in production: built, with its access log, with a site of one function and a few files. */
export const nexthop: Server = {
  name: 'nexthop',
  families: ['forward', 'function', 'file'],
  logs: true,
  find: () => {
    if (!existsSync(PROGRAM)) return { missing: 'npm run prepare, which builds dist/cli/cli.js' };
    return { version: String(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version) };
  },
  prepare: async ({ port, originPort, folder }) => {
    const site = join(folder, 'site');
    await mkdir(join(site, 'cloud-functions'), { recursive: true });
    await writeFile(
      join(site, 'cloud-functions', 'hello.js'),
      "export default function onRequest() {\n  return new Response('Hello from Node.js!');\n}\n",
    );
    await writeFiles(join(site, 'public'));
    return {
      program: process.execPath,
      args: [PROGRAM, 'start', site],
      environment: {
        PORT: String(port),
        NEXT_HOP: `http://127.0.0.1:${originPort}`,
        LOG_DIR: join(folder, 'logs'),
        NODE_ENV: 'production',
      },
    };
  },
};
