import { complainAboutNode } from '../config/node-version.ts';
import { exit } from './exit.ts';

// Ends the process with one line if Node is too old, for `npm start`, whose flags an old Node does not
// support.
const complaint = complainAboutNode();
if (complaint !== undefined) {
  process.stderr.write(`${complaint}\n`);
  exit(1);
}
