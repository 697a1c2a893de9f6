import { setFlagsFromString } from 'node:v8';
import { bundleThread, startThreadsWith } from './ava-thread.ts';

// Runs ava with the arguments of this command. Each test file loads hundreds of modules in a new thread. V8 begins with one megabyte for new objects, and copies those that
// live on whenever it is full, which takes a tenth of the time of a start. Set here because ava would pass such a flag of Node's command line to its threads, which refuse it.
setFlagsFromString('--min-semi-space-size=16');
setFlagsFromString('--max-semi-space-size=16');

await startThreadsWith(await bundleThread());
await import(new URL('cli.js', import.meta.resolve('ava')).href);
