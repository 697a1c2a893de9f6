import type { ExecutionContext } from 'ava';
import type { FileFolder } from '../../src/contract/dialect.ts';
import type { Project } from '../../src/contract/project.ts';
import { readFiles } from '../../src/static/read-files.ts';
import { type DialectServer, serveDialect } from './dialect-server.ts';

export interface FileAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Latin1. */
  readonly body: string;
}

export interface FileServer extends DialectServer {
  /** Sends a request with these headers, unchanged, on a new connection. */
  fetch(path: string, headers?: Readonly<Record<string, string>>, method?: string): Promise<FileAnswer>;
}

/** Serves the files of a site (path → text). A request that no file answers gets 421. */
export async function serveFiles(
  t: ExecutionContext,
  files: Readonly<Record<string, string>>,
  folders?: readonly FileFolder[],
  parts: Partial<Project> = {},
): Promise<FileServer> {
  const server = await serveDialect(
    t,
    { name: 'static', looksFor: '', read: (project) => readFiles(project, folders) },
    files,
    parts,
  );
  return {
    ...server,
    async fetch(path, headers = {}, method = 'GET') {
      const lines = Object.entries({ Host: 'a', Connection: 'close', ...headers }).map(
        ([name, value]) => `${name}: ${value}`,
      );
      return toAnswer(await server.exchange(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`));
    },
  };
}

function toAnswer(text: string): FileAnswer {
  const end = text.indexOf('\r\n\r\n');
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const entries = lines
    .map((line) => line.split(/: ?(.*)/, 2))
    .map(([name = '', value]) => [name.toLowerCase(), value]);
  return { status: Number(first.split(' ')[1]), headers: Object.fromEntries(entries), body: text.slice(end + 4) };
}
