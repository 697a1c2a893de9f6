import { join } from 'node:path';
import { writeFiles } from '../files.ts';
import type { Scenario } from '../scenarios.ts';
import { findPackage } from './npm-package.ts';
import type { Server } from './server.ts';

const PEERS = join(import.meta.dirname, '..', 'peers');

interface NodePeer {
  readonly name: string;
  readonly families: readonly Scenario['family'][];
  /** The program in bench/peers. */
  readonly file: string;
  /** The package whose version is shown; undefined for Node itself. */
  readonly packageName?: string;
}

/** A small Node program in bench/peers, without an access log. */
export function nodePeer({ name, families, file, packageName }: NodePeer): Server {
  return {
    name,
    families,
    logs: false,
    find: () => (packageName === undefined ? { version: process.version.slice(1) } : findPackage(packageName)),
    prepare: async ({ port, originPort, folder, family }) => {
      if (family === 'file') await writeFiles(folder);
      return {
        program: process.execPath,
        // http-proxy uses util._extend, for which Node prints a warning.
        args: ['--disable-warning=DEP0060', join(PEERS, file), String(port), String(originPort), folder],
        environment: { NODE_ENV: 'production' },
      };
    },
  };
}
