import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { needTool } from '../tool.ts';
import { findDebianTool } from './debian-tool.ts';
import type { Server } from './server.ts';

/** Caddy with its defaults and its access log, without its admin port. */
export const caddy: Server = {
  name: 'caddy',
  families: ['forward'],
  logs: true,
  find: () => findDebianTool('caddy', 'version'),
  prepare: async ({ port, originPort, folder }) => {
    const configFile = join(folder, 'Caddyfile');
    await writeFile(
      configFile,
      `
{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  log {
    output file ${folder}/access.log
  }
  reverse_proxy 127.0.0.1:${originPort}
}
`,
    );
    return {
      program: needTool('caddy'),
      args: ['run', '--config', configFile, '--adapter', 'caddyfile'],
      // Otherwise it would write files into the home folder.
      environment: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    };
  },
};
