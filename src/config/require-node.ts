import { complainAboutNode } from './node-version.ts';

// The first import of each entry of the package, so that it runs before any module that an older Node cannot run.
const complaint = complainAboutNode();
if (complaint !== undefined) {
  const error = new Error(complaint);
  // Where it was thrown says nothing.
  error.stack = complaint;
  throw error;
}
