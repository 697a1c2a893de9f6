import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Child } from './child.ts';
import { findFreePort } from './free-port.ts';
import { prepareNginx } from './nginx.ts';
import { SCENARIOS, UPLOAD_BYTE } from './scenarios.ts';

export interface Origin {
  readonly port: number;
  readonly child: Child;
}

/** Starts the nginx to which every forwarding server sends its requests. Disposing of its child ends it. */
export async function startOrigin(parent: string, core: number, signal: AbortSignal): Promise<Origin> {
  const folder = join(parent, 'origin');
  await mkdir(join(folder, 'files'), { recursive: true });
  for (const { family, method, path, answer } of SCENARIOS) {
    if (family === 'forward' && method === 'GET') await writeFile(join(folder, 'files', path), answer);
  }
  const port = await findFreePort();
  const child = new Child(await prepareNginx(folder, serve(folder, port)), core, join(folder, 'output.log'));
  try {
    await child.accepts(port, signal);
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw new Error('the origin did not start', { cause: error });
  }
  return { port, child };
}

/**
 * Files for the downloads, with nine headers. An upload is read completely and compared byte by byte before the response: a server that damages or cuts it gets 400, which fails its
 * row. nginx can read the body of a request only while it proxies, so there is a second server.
 */
function serve(folder: string, port: number): string {
  const { uploadBytes, answer } = SCENARIOS.find(({ name }) => name === 'upload') ?? { uploadBytes: 0, answer: '' };
  return `
  access_log off;
  sendfile on;
  open_file_cache max=16;
  types { text/html html; application/octet-stream bin; }
  map $request_body $upload {
    default damaged;
    "~^${UPLOAD_BYTE}{${uploadBytes}}$" whole;
  }
  upstream judge { server unix:${folder}/judge.sock; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${folder}/files;
    add_header Cache-Control "public, max-age=60";
    location = /upload {
      client_body_buffer_size 64k;
      client_body_in_single_buffer on;
      proxy_pass http://judge;
      proxy_http_version 1.1;
      proxy_method GET;
      proxy_pass_request_body off;
      proxy_pass_request_headers off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_set_header X-Upload $upload;
    }
  }
  server {
    listen unix:${folder}/judge.sock;
    default_type text/plain;
    location / {
      if ($http_x_upload != whole) { return 400; }
      return 200 "${String(answer).trim()}\\n";
    }
  }`;
}
