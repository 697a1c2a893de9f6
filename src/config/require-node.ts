import { complainAboutNode } from './node-version.ts';

// The first import of each entry of the package, so that it runs before any module that an older
// Node cannot run.
const complaint = complainAboutNode();
if (complaint !== undefined) {
  const error = new Error(complaint);
  // The stack would only show this file.
  error.stack = complaint;
  throw error;
}
