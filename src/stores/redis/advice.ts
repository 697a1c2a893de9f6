import type { Log } from '../../contract/log.ts';
import type { Connection } from './connection.ts';
import { toText } from './reply.ts';
import { toScript } from './script.ts';

/** `pcall`, because the user may lack the right to call INFO. */
const INFO = toScript(
  'reading',
  `
local found = ''
for _, section in ipairs({ 'memory', 'persistence' }) do
  local info = redis.pcall('INFO', section)
  if type(info) == 'string' then found = found .. info end
end
return found`,
);

/** Logs once, when Redis is first ready, which settings of Redis could lose accepted jobs. */
export function adviseOnce(connection: Connection, root: string, log: Log): void {
  let isDone = false;
  connection.onReady(async () => {
    if (isDone) return;
    isDone = true;
    try {
      advise(toText(await connection.run(INFO, root)), connection.name, log);
    } catch {
      // Redis is away again, and the connection has logged it.
      isDone = false;
    }
  });
}

function advise(info: string, name: string, log: Log): void {
  const settings = new Map(info.split('\r\n').map((line) => line.split(':', 2) as [string, string])); // two, or one and undefined
  const policy = settings.get('maxmemory_policy') ?? '';
  if (settings.get('maxmemory') !== '0' && policy.startsWith('allkeys-')) {
    log.warn(
      `${name} evicts keys when its memory is full (maxmemory-policy ${policy}), accepted jobs among them; set it to noeviction`,
    );
  }
  if (settings.get('aof_enabled') === '0') {
    log.info(
      `${name} has no append-only file (appendonly no); when it crashes, jobs accepted since its last snapshot are lost`,
    );
  }
}
