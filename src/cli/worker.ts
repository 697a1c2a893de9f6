import { SupervisorLink } from '../process/supervisor-link.ts';
import { EarlySignals } from './early-signals.ts';
import { exit } from './exit.ts';

// The entry of a worker process. `supervise.ts` starts it with the arguments of `nexthop start`.

const signals = new EarlySignals();

const supervisor = await SupervisorLink.open(() => exit(1));
const { main } = await import('./main.ts');
exit(await main(process.argv.slice(2), { signals, supervisor }));
