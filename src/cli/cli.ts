#!/usr/bin/env node
import './check-node.ts';
import { EarlySignals } from './early-signals.ts';
import { exit } from './exit.ts';

const signals = new EarlySignals();

// No static import: an older Node could not link the rest and would report that before
// `check-node.ts` runs.
const { main } = await import('./main.ts');
exit(await main(process.argv.slice(2), { signals }));
