import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Project } from '../../../contract/project.ts';
import type { Target } from '../../../contract/target.ts';
import { provideModule } from '../../loader/provided-modules.ts';
import { PagesBlobError, PreconditionFailedError, QuotaExceededError, RateLimitedError } from './pages-blob-error.ts';
import { STORE_PREFIX, Store } from './pages-blob-store.ts';
import { Uploads } from './uploads.ts';

const PACKAGE = '@edgeone/pages-blob';

interface StoreOptions {
  readonly name?: unknown;
  readonly projectId?: unknown;
  readonly token?: unknown;
}

/**
 * Lets code of the site import `@edgeone/pages-blob` over the storage for blobs. Call it before any
 * of that code is loaded. Returns what answers upload URLs; undefined if there is no storage.
 */
export function openPagesBlob({ blobs: storage, kv, env, root }: Project): Target | undefined {
  if (!storage || !kv) return undefined;
  const uploads = new Uploads({ storage, kv: kv('edgeone/uploads'), origin: URL.parse(env.SITE_URL ?? '')?.origin });
  const createUploadUrl = uploads.createUrl.bind(uploads);
  const getStore = (given: unknown): unknown => {
    const options: StoreOptions = typeof given === 'object' && given !== null ? given : { name: given };
    // With a token it is the store of the real service, by the package that the site has installed.
    if (options.token !== undefined && options.projectId !== undefined) {
      return createRequire(join(root, 'package.json'))(PACKAGE).getStore(given);
    }
    return new Store({ name: toStoreName(options.name), storage, createUploadUrl });
  };
  const listStores = async (): Promise<{ stores: { name: string }[] }> => {
    const stores: { name: string }[] = [];
    let cursor: string | undefined;
    do {
      const page = await storage.listStores(STORE_PREFIX, cursor);
      stores.push(...page.stores.map((name) => ({ name: name.slice(STORE_PREFIX.length) })));
      cursor = page.cursor;
    } while (cursor !== undefined);
    return { stores };
  };
  const errors = { PagesBlobError, PreconditionFailedError, QuotaExceededError, RateLimitedError };
  provideModule(PACKAGE, { getStore, listStores, Store, ...errors });
  return uploads;
}

function toStoreName(name: unknown): string {
  if (typeof name === 'string' && /^[\w-]{1,64}$/.test(name)) return name;
  const message = `a store must have a name of 1 to 64 letters, digits, "_" and "-", got ${JSON.stringify(name)}`;
  throw new PagesBlobError(message, 'INVALID_STORE_NAME');
}
