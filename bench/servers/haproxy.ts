import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { needTool } from '../tool.ts';
import { findDebianTool } from './debian-tool.ts';
import type { Server } from './server.ts';

/** HAProxy with its defaults and its access log, which goes to its output. */
export const haproxy: Server = {
  name: 'haproxy',
  families: ['forward'],
  logs: true,
  find: () => findDebianTool('haproxy', '-v'),
  prepare: async ({ port, originPort, folder }) => {
    const configFile = join(folder, 'haproxy.cfg');
    await writeFile(
      configFile,
      `
global
  log stdout format raw local0 info
defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend edge
  bind 127.0.0.1:${port}
  default_backend origin
backend origin
  server origin 127.0.0.1:${originPort}
`,
    );
    // -db: stay in the foreground.
    return { program: needTool('haproxy'), args: ['-db', '-f', configFile] };
  },
};
