import { writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { findPackage, PACKAGES } from './npm-package.ts';
import type { Server } from './server.ts';

// The package workerd only selects one of these packages for the machine. The bench runs the binary directly.
const PACKAGE = `@cloudflare/workerd-linux-${arch() === 'arm64' ? 'arm64' : '64'}`;

const WORKER = `export default {
  fetch() {
    return new Response('Hello from Node.js!');
  },
};
`;

const CONFIG = `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .hello)],
  sockets = [(name = "http", http = (), service = "main")],
);

const hello :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2025-01-01",
);
`;

/** Cloudflare's runtime with the same function. */
export const workerd: Server = {
  name: 'workerd',
  families: ['function'],
  logs: false,
  find: () => findPackage(PACKAGE),
  prepare: async ({ port, folder }) => {
    await writeFile(join(folder, 'worker.js'), WORKER);
    await writeFile(join(folder, 'config.capnp'), CONFIG);
    return {
      program: join(PACKAGES, PACKAGE, 'bin', 'workerd'),
      args: ['serve', join(folder, 'config.capnp'), '--socket-addr', `http=127.0.0.1:${port}`],
    };
  },
};
