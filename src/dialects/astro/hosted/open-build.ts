import { hash, randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processEnv } from '../../../config/config.ts';
import type { Project } from '../../../contract/dialect.ts';
import { type NamedModules, nameModules } from './name-modules.ts';
import type { FoundBuild } from './read-build.ts';
import { takeOverRejections } from './rejections.ts';

/** As long as functions have. */
const LOAD_LIMIT_MS = 10_000;

/** What a build exports; whatever it is, it is looked at before it is used. */
export type Exports = Readonly<Record<string, unknown>>;

/**
 * Imports a build once: another reading of the same one, with the same variables, finds the very same modules. Rejects with what the build throws, or
 * with Node's error when a package is missing, or when it takes longer than 10 s.
 */
export async function openBuild({ warmCode, env, log }: Project, found: FoundBuild): Promise<Exports> {
  // Code may read its variables once, while it loads; with others it is not the same any more.
  const key = hash('sha256', JSON.stringify(['astro', found.entry, found.version, Object.entries(env).sort()]));
  const known = warmCode?.find(key);
  if (known) return known as Exports; // kept below
  // What failed once would be found half done, and what it lacked may be there the next time.
  const name = warmCode?.isFirst === false ? `${found.version}-${randomUUID()}` : found.version;
  const modules = nameModules(dirname(found.entry), name);
  // A build for standalone use would listen on a port of its own. It is asked while it loads, and with it those that are imported later.
  processEnv().ASTRO_NODE_AUTOSTART = 'disabled';
  const exports = await inTime(takeOverRejections(log, () => modules.import(found.entry)));
  await trustHost(modules, found);
  warmCode?.keep(key, exports);
  return exports;
}

/** Something that does not answer must not keep the rest of the site away. */
async function inTime<T>(loading: Promise<T>): Promise<T> {
  const early = new AbortController();
  const late = delay(LOAD_LIMIT_MS, undefined, { signal: early.signal }).then(() => {
    throw new Error(`it has not loaded within ${LOAD_LIMIT_MS / 1000} s; have the site read again when it can`);
  });
  // Whoever comes second is not awaited.
  late.catch(() => undefined);
  try {
    return await Promise.race([loading, late]);
  } finally {
    early.abort();
  }
}

/**
 * Astro 5 takes the host of a request for `localhost` unless the site named it when it was built, and then refuses its own forms as foreign. Who asked under
 * which name is looked into here before a build sees it, so where the site names none, all are right. The very object that the build reads is changed.
 */
async function trustHost(modules: NamedModules, { manifestModule }: FoundBuild): Promise<void> {
  if (manifestModule === undefined) return;
  const { manifest } = await modules.import(manifestModule);
  const { allowedDomains } = manifest as { allowedDomains?: object[] }; // Astro's own field
  if (Array.isArray(allowedDomains) && allowedDomains.length === 0) allowedDomains.push({});
}
