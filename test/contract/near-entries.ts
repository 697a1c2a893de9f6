import test from 'ava';
import { findNearEntries } from '../../src/contract/near-entries.ts';

/** What is looked for, what is there, and what of it is most likely meant; a slash at the end is a folder. */
const ROWS: readonly (readonly [wanted: string, there: readonly string[], near: readonly string[]])[] = [
  ['edge-functions/', ['edge-function/', 'edge_functions/', 'edgeFunctions/', 'egde-functions/'], ['all']],
  ['cloud-functions/', ['cloud-function/', 'cloudfunctions/', 'clod-functons/'], ['all']],
  ['functions/', ['function/', 'functons/', 'Functions/', 'funtions/'], ['all']],
  ['netlify/', ['netlfy/', 'Netlify/'], ['all']],
  ['_headers', ['_header', '_headers.txt', '_Headers', 'headers', '_haeders'], ['all']],
  ['_redirects', ['_redirect', '_redirects.txt', '_redircts'], ['all']],
  ['middleware.js', ['midleware.js', 'middelware.js', 'middleware.mjs', 'Middleware.js'], ['all']],
  ['netlify.toml', ['netlify.tml', 'netlfy.toml', 'netlify.tom'], ['all']],
  ['edgeone.json', ['edgeone.jsn', 'edgone.json', 'edgeone.jsonc'], ['all']],
  ['functions/', ['functions-old/', 'functions2/', 'fun/', 'lib/', 'function', '.functions/'], []],
  ['agents/', ['assets/', 'events/', 'clients/'], []],
  ['_headers', ['header.js', 'headers.ts', 'headers/', '_headers2', '_headers~', '_headers.bak', 'readme'], []],
  ['_redirects', ['redirects/', 'redirects.json', '_redirects-old'], []],
  ['middleware.js', ['middleware/', 'middleware.test.js', 'middleware.json', 'midway.js'], []],
  ['netlify.toml', ['netlify.toml.bak', 'netlify.toml~', 'netlify.html', 'netlify', 'netlify/', '.netlify'], []],
  ['edgeone.json', ['edgeone.config.ts', 'edgeone.js', 'edge.json'], []],
  ['edge-functions/', ['edge-functions/', 'edge-function/'], []],
  ['_headers', ['_headers', '_header'], []],
];

for (const [wanted, there, near] of ROWS) {
  test(`of ${there.join(' ')}, ${near.length === 0 ? 'none is' : 'all are'} taken for a misspelt ${wanted}`, (t) => {
    const found = findNearEntries(there.map(toEntry), toEntry(wanted));

    t.deepEqual(found, near.length === 0 ? [] : there.map((name) => toEntry(name).name));
  });
}

function toEntry(text: string) {
  return { name: text.replace(/\/$/, ''), isFolder: text.endsWith('/') };
}
