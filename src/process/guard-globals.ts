import { readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import util from 'node:util';
import { isFetchOfSite } from '../contract/own-fetch.ts';
import { isOwn } from '../contract/stack-frame.ts';
import { CALL_BEGINS, CALL_RETURNS, type SiteCall } from './site-calls.ts';
import type { SiteGuard } from './site-guard.ts';

/** Globals without which nexthop cannot work, and methods of them that tests and polyfills replace. */
const GUARDED: readonly (readonly [owner: object, name: string])[] = [
  ...['JSON', 'Date', 'Response', 'Request', 'Headers', 'Buffer', 'Promise', 'URL', 'AbortController'].map(
    (name) => [globalThis, name] as const,
  ),
  [JSON, 'stringify'],
  [JSON, 'parse'],
  [Date, 'now'],
];

/** Packages that only nexthop uses, if it is not installed beside those of the site. */
const OWN_PACKAGES = join(dirname(dirname(import.meta.dirname)), 'node_modules') + sep;
/** Innermost functions; the code that reads a global is one of them. */
const MOST_FRAMES = 8;

/**
 * When code of the site has replaced a global, it and its packages see the replacement, and nexthop
 * the original. Each is logged once. Costs nothing but a comparison for each call until then; later
 * about a µs for each use of that global. Cannot be removed: only for a process that belongs to
 * nexthop.
 */
export function guardGlobals(guard: SiteGuard): void {
  const before = GUARDED.map(([owner, name]) => Reflect.get(owner, name) as unknown);
  const isUntouched = createCheck();
  const found = new Set<number>();
  let isFetchReported = false;
  const separateAll = (call: SiteCall): void => {
    const replaced = [...GUARDED.entries()].filter(([index, [owner, name]]) => {
      const replacement: unknown = found.has(index) ? before[index] : Reflect.get(owner, name);
      if (replacement === before[index]) return false;
      found.add(index);
      separate(owner, name, { original: before[index], replacement });
      return true;
    });
    // The log needs them, too.
    for (const [, [owner, name]] of replaced) {
      report(guard, owner === globalThis ? name : `${owner === JSON ? 'JSON' : 'Date'}.${name}`, call);
    }
  };
  const check = (message: unknown): void => {
    if (!isUntouched()) separateAll(message as SiteCall);
    if (isFetchReported || !isFetchOfSite()) return;
    isFetchReported = true;
    // Libraries such as OpenTelemetry do so. nexthop keeps the original from its start.
    report(guard, 'fetch', message as SiteCall);
  };
  CALL_BEGINS.subscribe(check);
  CALL_RETURNS.subscribe(check);
}

/** Written out, because this runs for each call: a loop over names takes fifty times as long. */
function createCheck(): () => boolean {
  const all = { JSON, Date, Response, Request, Headers, Buffer, Promise, URL, AbortController };
  const { stringify, parse } = JSON;
  const { now } = Date;
  return () =>
    globalThis.JSON === all.JSON &&
    globalThis.Date === all.Date &&
    globalThis.Response === all.Response &&
    globalThis.Request === all.Request &&
    globalThis.Headers === all.Headers &&
    globalThis.Buffer === all.Buffer &&
    globalThis.Promise === all.Promise &&
    globalThis.URL === all.URL &&
    globalThis.AbortController === all.AbortController &&
    all.JSON.stringify === stringify &&
    all.JSON.parse === parse &&
    all.Date.now === now;
}

interface Values {
  readonly original: unknown;
  readonly replacement: unknown;
}

function separate(owner: object, name: string, { original, replacement }: Values): void {
  const enumerable = Object.getOwnPropertyDescriptor(owner, name)?.enumerable ?? false;
  let seen = replacement;
  try {
    Object.defineProperty(owner, name, {
      configurable: true,
      enumerable,
      get: () => (isReadByOwn() ? original : seen),
      set: (value: unknown) => {
        seen = value;
      },
    });
  } catch {
    // The site has made it unchangeable.
  }
}

/** Whether the innermost code that is not Node's is nexthop's. */
function isReadByOwn(): boolean {
  for (const { scriptName } of util.getCallSites(MOST_FRAMES)) {
    if (scriptName === '' || scriptName.startsWith('node:')) continue;
    const path = scriptName.startsWith('file://') ? decodeURI(scriptName.slice('file://'.length)) : scriptName;
    // The accessor itself.
    if (path === import.meta.filename) continue;
    return isOwn(path) || path.startsWith(OWN_PACKAGES);
  }
  return false;
}

function report(guard: SiteGuard, name: string, { calledCode }: SiteCall): void {
  const line = findLine(join(guard.site, calledCode), name);
  const place = line === undefined ? `seen after a call of ${calledCode}` : `at ${calledCode}:${line}`;
  const text = `${name} is replaced, ${place}: code of the site sees the replacement, and nexthop its own ${name}`;
  guard.warnOnce(`global ${name}`, text, { ...(line !== undefined && { file: calledCode, line }), target: calledCode });
}

/** The first line of a file that assigns the name or defines it as a property, from 1. */
function findLine(path: string, name: string): number | undefined {
  const last = name.split('.').at(-1);
  const assigns = new RegExp(`\\b${name.replace('.', '\\.')}\\s*=(?!=)|['"]${last}['"]`);
  try {
    const index = readFileSync(path, 'utf8')
      .split('\n')
      .findIndex((line) => assigns.test(line));
    return index < 0 ? undefined : index + 1;
  } catch {
    // Not every call is named after a file.
    return undefined;
  }
}
