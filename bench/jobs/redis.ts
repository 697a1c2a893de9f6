import { join } from 'node:path';
import { Child } from '../child.ts';
import { findFreePort } from '../free-port.ts';
import { needTool } from '../tool.ts';

/** A redis-server with the settings of docs/decisions/redis-store.md. */
export interface Redis {
  readonly port: number;
  readonly child: Child;
}

/** Starts a Redis with an empty folder. The caller must dispose of its child. */
export async function startRedis(folder: string, core: number, signal: AbortSignal): Promise<Redis> {
  const port = await findFreePort();
  const settings = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '', '--bind', '127.0.0.1'];
  const args = ['--port', String(port), '--dir', folder, ...settings];
  const child = new Child({ program: needTool('redis-server'), args }, core, join(folder, 'redis.log'));
  await child.accepts(port, signal);
  return { port, child };
}
