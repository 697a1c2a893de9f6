import { createServer } from 'node:net';
import type { Config } from '../config/config.ts';

export interface ChosenPort {
  readonly PORT: number;
  /** The default port, if another server has it. */
  readonly wasTaken: number | undefined;
}

/** How many ports after the default one are tried. */
const NEXT_PORTS = 20;

/**
 * The default port, or the next one that is free. A port that was asked for is not replaced: the
 * start fails if it is taken.
 */
export async function choosePort({ PORT, HOST, given }: Pick<Config, 'PORT' | 'HOST' | 'given'>): Promise<ChosenPort> {
  if (given.has('PORT')) return { PORT, wasTaken: undefined };
  for (let port = PORT; port < PORT + NEXT_PORTS; port++) {
    if (await isFree(port, HOST)) return { PORT: port, wasTaken: port === PORT ? undefined : PORT };
  }
  return { PORT, wasTaken: undefined };
}

function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.on('error', () => resolve(false));
    server.listen({ port, ...(host && { host }) }, () => server.close(() => resolve(true)));
  });
}
