import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { getStore } from '@netlify/blobs';
import type { ExecutionContext } from 'ava';
import { type EdgeSetup, type RunningEdge, startEdge } from './edge.ts';
import { siteFolder } from './site-folder.ts';
import { untilResult } from './until-result.ts';

/** A function that uses blobs, so that nexthop provides them. */
export const USES_BLOBS = `
  import { getStore } from '@netlify/blobs';
  export default async () => new Response(await getStore('things').get('key'));
  export const config = { path: '/blob' };`;

export interface BlobsSite extends RunningEdge {
  readonly site: string;
}

/**
 * Starts a nexthop in this process with a site that uses blobs. The test itself can use
 * `@netlify/blobs` then, as code of the site does: the context and the fetch are global. So tests
 * of one file are serial. `isReady`: false for a storage that cannot be used.
 */
export async function startBlobsSite(
  t: ExecutionContext,
  files: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
  { isReady = true, callTimeoutMs }: { readonly isReady?: boolean } & Pick<EdgeSetup, 'callTimeoutMs'> = {},
): Promise<BlobsSite> {
  const site = await siteFolder(t, { 'netlify/functions/blob.mjs': USES_BLOBS, ...files });
  await symlink(join(import.meta.dirname, '../../node_modules'), join(site, 'node_modules'));
  const edge = await startEdge(t, {
    site,
    env: { STORE_FSYNC: '0', ...env },
    ...(callTimeoutMs !== undefined && { callTimeoutMs }),
  });
  // On a busy machine the start of the store may take longer than the deadline of a call.
  if (isReady) {
    await untilResult(
      () =>
        getStore('things')
          .get('ready', { type: 'text' })
          .then(
            () => true,
            () => false,
          ),
      Boolean,
    );
  }
  return { ...edge, site };
}

/** The context by which `@netlify/blobs` finds its edge, of the site that was read last. */
export function readBlobsContext(): Record<'edgeURL' | 'siteID' | 'token', string> {
  return JSON.parse(Buffer.from(String(Reflect.get(globalThis, 'netlifyBlobsContext')), 'base64').toString());
}
