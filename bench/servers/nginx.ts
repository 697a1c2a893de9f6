import { writeFiles } from '../files.ts';
import { prepareNginx } from '../nginx.ts';
import { findDebianTool } from './debian-tool.ts';
import type { Server } from './server.ts';

/**
 * nginx as a forwarding server, with keep-alive connections to the origin and its access log. Bodies are not written to the disk: by default it would write half of a 16 KB upload and
 * then wait for the origin's delayed acknowledgement. For file scenarios it has a cache of open files.
 */
export const nginx: Server = {
  name: 'nginx',
  families: ['forward', 'file'],
  logs: true,
  find: () => findDebianTool('nginx', '-v'),
  prepare: async ({ port, originPort, folder }) => {
    await writeFiles(folder);
    return prepareNginx(
      folder,
      `
  access_log ${folder}/access.log;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      client_body_buffer_size 64k;
      proxy_max_temp_file_size 0;
    }
    location /files/ {
      root ${folder};
      sendfile on;
      open_file_cache max=16;
      types { text/html html; text/javascript js; text/css css; }
    }
  }`,
    );
  },
};
