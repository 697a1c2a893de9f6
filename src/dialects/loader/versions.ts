import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Format of the manifest and the code of a build. Must be raised with every change of either. */
const FORMAT = 4;

/** The versions that made a build. */
export interface Versions {
  readonly format: number;
  readonly nexthop: string;
  /** '' if it is not installed: every build is then accepted, since none can be made. */
  readonly esbuild: string;
  /** Node's major version, for which the code was compiled. */
  readonly node: string;
}

/** The versions that would make a build now. */
export function readVersions(): Versions {
  return {
    format: FORMAT,
    nexthop: versionIn(new URL('../../../package.json', import.meta.url)),
    esbuild: esbuildVersion(),
    node: process.versions.node.split('.', 1)[0] ?? '',
  };
}

/** Says which version of a build differs; undefined if none does. */
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
    // Not installed. An up-to-date build needs no esbuild.
    return '';
  }
}

function versionIn(file: string | URL): string {
  return String(JSON.parse(readFileSync(file, 'utf8')).version);
}
