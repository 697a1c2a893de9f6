import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from './child.ts';
import { needTool } from './tool.ts';

/** The command of an nginx with one worker, in the foreground, that writes only into the folder. `http`: the text of its http block. */
export async function prepareNginx(folder: string, http: string): Promise<Command> {
  const configFile = join(folder, 'nginx.conf');
  const errorLog = join(folder, 'error.log');
  await writeFile(configFile, frame(folder, http));
  return { program: needTool('nginx'), args: ['-e', errorLog, '-c', configFile] };
}

function frame(folder: string, http: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder};`);
  // By default nginx closes a connection after 1,000 requests, but a steady state is measured.
  return `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 4096; }
http {
  ${temporary.join('\n  ')}
  keepalive_requests 1000000000;
  ${http}
}
`;
}
