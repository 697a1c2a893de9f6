import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFiles } from '../files.ts';
import { PACKAGES } from './npm-package.ts';
import type { Server } from './server.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = join(ROOT, 'dist', 'cli', 'cli.js');

/** nexthop as in production: built, with its access log, with a site of one function and a few files. */
export const nexthop: Server = {
  name: 'nexthop',
  families: ['forward', 'function', 'app', 'file'],
  logs: true,
  find: () => {
    if (!existsSync(PROGRAM)) return { missing: 'npm run prepare, which builds dist/cli/cli.js' };
    return { version: String(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version) };
  },
  prepare: async ({ port, originPort, folder, family }) => {
    const site = join(folder, 'site');
    await mkdir(join(site, 'cloud-functions'), { recursive: true });
    await writeFile(
      join(site, 'cloud-functions', 'hello.js'),
      "export default function onRequest() {\n  return new Response('Hello from Node.js!');\n}\n",
    );
    await writeFiles(join(site, 'public'));
    // Its packages would be in the memory of the other scenarios.
    if (family === 'app') await addApp(site);
    return {
      program: process.execPath,
      args: [PROGRAM, 'start', site],
      environment: {
        PORT: String(port),
        NEXT_HOP: `http://127.0.0.1:${originPort}`,
        LOG_DIR: join(folder, 'logs'),
        NODE_ENV: 'production',
        // Its rivals are one process, too.
        WORKERS: '0',
      },
    };
  },
};

async function addApp(site: string): Promise<void> {
  const folder = join(site, 'cloud-functions', 'app');
  await mkdir(folder);
  await copyFile(join(import.meta.dirname, '..', 'apps', 'express.js'), join(folder, '[[default]].js'));
  await symlink(PACKAGES, join(site, 'node_modules'));
}
