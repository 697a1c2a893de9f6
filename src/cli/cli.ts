#!/usr/bin/env node
import './check-node.ts';
import { exit } from './exit.ts';

// Without a listener, Node opens its inspector at this signal, which is a second port. `start` adds
// its own listener when the site is loaded.
process.on('SIGUSR1', () => {});

// No static import: an older Node could not link the rest and would report that before
// `check-node.ts` runs.
const { main } = await import('./main.ts');
exit(await main(process.argv.slice(2)));
