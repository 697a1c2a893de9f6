import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Raised whenever what is kept is written or read in another way. */
const FORMAT = 2;

/** Who made a build. */
export interface Versions {
  readonly format: number;
  readonly nexthop: string;
  /** '' when it is not installed: whoever cannot compile need not compile alike. */
  readonly esbuild: string;
  /** Node's major version, for which the code is written. */
  readonly node: string;
}

/** Who would make one now. */
export function readVersions(): Versions {
  return {
    format: FORMAT,
    nexthop: versionIn(new URL('../../../package.json', import.meta.url)),
    esbuild: esbuildVersion(),
    node: process.versions.node.split('.', 1)[0] ?? '',
  };
}

/** How a build's maker differs from this one, in words; undefined if it does not. */
export function findOtherVersion(before: Versions, now: Versions): string | undefined {
  for (const name of ['format', 'nexthop', 'esbuild', 'node'] as const) {
    if (before[name] === now[name] || now[name] === '') continue;
    return `was made with ${name} ${before[name]}, this is ${now[name]}`;
  }
  return undefined;
}

function esbuildVersion(): string {
  try {
    return versionIn(createRequire(import.meta.url).resolve('esbuild/package.json'));
  } catch {
    // A build that is fresh does without.
    return '';
  }
}

function versionIn(file: string | URL): string {
  return String(JSON.parse(readFileSync(file, 'utf8')).version);
}
