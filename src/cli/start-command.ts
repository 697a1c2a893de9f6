import { url as inspectorUrl } from 'node:inspector';
import type { Config } from '../config/config.ts';
import { countCpus } from '../process/container.ts';
import { restartForYoungGeneration } from '../process/young-generation.ts';
import { type Call, defineCommand } from './command.ts';
import { enterSite } from './enter-site.ts';

export const command = defineCommand({
  forms: ['start [SITE]'],
  about:
    'Serves the site on PORT (8080) until SIGTERM or SIGINT: its functions and files answer, every other request goes to NEXT_HOP (http://next-hop:80). Logs are files in LOG_DIR (/var/log/nodejs). SIGHUP, or nexthop reload, reads the site again.',
  examples: [
    ['nexthop start --log-dir=logs', 'serves this folder, with its logs in the folder logs'],
    ['PORT=80 NEXT_HOP=http://10.0.0.5 nexthop start my-site', 'serves my-site on port 80, in front of 10.0.0.5'],
  ],
  exits: {
    0: 'ended by a signal, after all requests were finished',
    1: 'cannot start, e.g. the port is taken',
    '128+N': 'a second signal, number N, ended it at once',
  },
  sharesStdout: true,
  isServer: true,
  run: startInSite,
});

async function startInSite({ config, out, signals, supervisor }: Call<Record<never, never>>): Promise<number> {
  const workers = supervisor ? 0 : countWorkers(config);
  if (!supervisor && workers === 0) restartForYoungGeneration(config);
  if (!supervisor) (await import('./npm-parent.ts')).endWithNpm(config);
  if (workers > 0) return (await import('./supervise.ts')).supervise(config, workers, { out, signals });
  const { start } = await import('./start.ts');
  // Entered for each reading: a folder that was put in the place of another is another one, though
  // its path is the same.
  return start(config, out, { signals, beforeReading: () => enterSite(config), ...(supervisor && { supervisor }) });
}

function countWorkers({ WORKERS }: Config): number {
  if (WORKERS !== 'auto') return WORKERS;
  // Workers would need the port of the debugger, too.
  return inspectorUrl() === undefined ? Math.max(1, Math.floor(countCpus())) : 0;
}
