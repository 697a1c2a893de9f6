import { SupervisorLink } from '../process/supervisor-link.ts';
import { exit } from './exit.ts';

// The entry of a worker process. `supervise.ts` starts it with the arguments of `nexthop start`.

// See cli.ts.
process.on('SIGUSR1', () => {});

const supervisor = await SupervisorLink.open(() => exit(1));
const { main } = await import('./main.ts');
exit(await main(process.argv.slice(2), supervisor));
