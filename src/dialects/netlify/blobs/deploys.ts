import { createReadStream } from 'node:fs';
import type { BlobStorage } from '../../../contract/blob-storage.ts';
import type { DeployFile } from '../find/find-deploy-files.ts';

/** One blob for each deploy that another one has replaced. */
const REPLACED = 'nexthop:replaced-deploys';

/** The stores of a deploy are removed this long after it was replaced: by then no container runs its code any more. */
const REPLACED_MS = 24 * 3_600_000;

/** The store of a deploy without a name, in which the files of a build are. */
export function toDeployStore(deployId: string): string {
  return `deploy:${deployId}`;
}

/** Stores the files of a build. Those that are there are the same, because the id depends on them. */
export async function storeDeployFiles(
  storage: BlobStorage,
  deployId: string,
  files: readonly DeployFile[],
): Promise<void> {
  const store = toDeployStore(deployId);
  for (const { key, path, metadata } of files) {
    if (await storage.head(store, key)) continue;
    await storage.put(store, key, createReadStream(path), { metadata });
  }
}

/** Removes all stores of a deploy. */
export async function deleteDeploy(storage: BlobStorage, deployId: string): Promise<void> {
  for (const store of await listDeployStores(storage)) {
    if (toDeployId(store) !== deployId) continue;
    while ((await storage.deleteStore(store)).hasMore);
  }
}

/**
 * Marks the deploys other than `current` as replaced, and removes those that were marked a day ago:
 * other processes may still run their code.
 */
export async function deleteReplacedDeploys(storage: BlobStorage, current: string, nowMs = Date.now()): Promise<void> {
  await storage.delete(REPLACED, current);
  const ids = new Set((await listDeployStores(storage)).map(toDeployId));
  ids.delete(current);
  for (const id of ids) {
    const mark = await storage.head(REPLACED, id);
    if (!mark) await storage.put(REPLACED, id, new Uint8Array());
    else if (nowMs - mark.modifiedAtMs > REPLACED_MS) {
      await deleteDeploy(storage, id);
      await storage.delete(REPLACED, id);
    }
  }
}

async function listDeployStores(storage: BlobStorage): Promise<readonly string[]> {
  const stores: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await storage.listStores('deploy:', cursor);
    stores.push(...page.stores);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return stores;
}

function toDeployId(store: string): string {
  return store.split(':')[1] ?? '';
}
