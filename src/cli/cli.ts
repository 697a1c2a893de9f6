#!/usr/bin/env node
import { complainAboutNode } from '../config/node-version.ts';
import { EarlySignals } from './early-signals.ts';
import { exit } from './exit.ts';
import { findNewerNode, runWith } from './newer-node.ts';

const complaint = complainAboutNode();
const newer = complaint === undefined ? undefined : findNewerNode();
if (newer !== undefined) runWith(newer);
else if (complaint !== undefined) {
  process.stderr.write(`${complaint}\n`);
  exit(1);
} else {
  const signals = new EarlySignals();
  // No static import: an older Node could not link the rest and would report that instead.
  const { main } = await import('./main.ts');
  exit(await main(process.argv.slice(2), { signals }));
}
