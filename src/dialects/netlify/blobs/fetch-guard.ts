import { AsyncLocalStorage } from 'node:async_hooks';
import type { BlobStorage } from '../../../contract/blob-storage.ts';
import { wrapFetch } from '../../../contract/own-fetch.ts';
import type { Run } from '../call/invocation.ts';
import type { DeployFile } from '../find/find-deploy-files.ts';
import { toBlobHost, toSignature } from './blob-address.ts';

/** What answers the requests of one site's code. */
export interface BlobsOfSite {
  readonly storage: BlobStorage;
  readonly token: string;
  /** Whether requests to the API of the platform are answered, too. */
  readonly captures: boolean;
  answer(request: Request): Promise<Response>;
  /** Makes a deploy the current one. */
  use(deployId: string, files: readonly DeployFile[]): DeployBlobs;
}

/** What the code of one reading of the site gets. */
export interface DeployBlobs {
  readonly deployId: string;
  readonly site: string;
  /** `event.blobs` of Lambda-compatible functions. */
  readonly eventBlobs: string;
  /** The same function, with the blobs of this deploy. */
  connect(run: Run): Run;
}

/** All sites in this process that use blobs. */
interface Guard {
  /** By token. Weak, because a site may be closed. */
  readonly sites: Map<string, WeakRef<BlobsOfSite>>;
  /** The context of the call in which the calling code runs. */
  readonly calls: AsyncLocalStorage<SiteContext>;
  /** For code outside of any call. */
  latest: SiteContext;
}

export interface SiteContext {
  readonly token: string;
  /** As the client reads it. */
  readonly encoded: string;
}

const GUARD = Symbol.for('nexthop.blobs');

/** The global by which the client finds its edge; it has priority over NETLIFY_BLOBS_CONTEXT. */
const CONTEXT = 'netlifyBlobsContext';

/**
 * Makes the global `fetch` answer the requests of `@netlify/blobs` in this process, and gives code
 * outside of any call this context. Every other `fetch` passes unchanged. Must run before code of
 * the site loads.
 */
export function guardFetch(blobs: BlobsOfSite, context: SiteContext): void {
  const guard = openGuard(context);
  guard.latest = context;
  guard.sites.set(blobs.token, new WeakRef(blobs));
  defineContext(guard);
  wrapFetch('nexthop.blobs-guard', (unguarded) => (input, init) => {
    const site = findAddressed(guard, input, init);
    return site ? answer(site, input, init) : unguarded(input, init);
  });
}

/** The blobs of the site with this storage, if its code was read before. */
export function findSite(storage: BlobStorage): BlobsOfSite | undefined {
  const { [GUARD]: guard } = globalThis as { [GUARD]?: Guard };
  return [...(guard?.sites.values() ?? [])].map((site) => site.deref()).find((site) => site?.storage === storage);
}

/** Runs a call of the site's code with its context. */
export function runWithContext<T>(context: SiteContext, call: () => T): T {
  return openGuard(context).calls.run(context, call);
}

/** One for the process, also if nexthop is loaded twice. */
function openGuard(latest: SiteContext): Guard {
  const scope = globalThis as { [GUARD]?: Guard };
  scope[GUARD] ??= { sites: new Map(), calls: new AsyncLocalStorage(), latest };
  return scope[GUARD];
}

function defineContext(guard: Guard): void {
  if (Object.getOwnPropertyDescriptor(globalThis, CONTEXT)?.get) return;
  Object.defineProperty(globalThis, CONTEXT, {
    get: () => (guard.calls.getStore() ?? guard.latest).encoded,
    // Code with its own context, e.g. in a test, uses that.
    set: (value: unknown) => Object.defineProperty(globalThis, CONTEXT, { value, writable: true, configurable: true }),
    configurable: true,
  });
}

async function answer(site: BlobsOfSite, ...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  return site.answer(new Request(input, init));
}

/**
 * The site whose token the request has, or else the site of the call. Undefined for any other
 * request, also for an invalid one, which `fetch` itself rejects.
 */
function findAddressed(guard: Guard, ...[input, init]: Parameters<typeof fetch>): BlobsOfSite | undefined {
  const { href, url = href } = (input ?? {}) as { readonly href?: unknown; readonly url?: unknown }; // both are checked below
  const text = typeof input === 'string' ? input : url;
  const host = typeof text === 'string' ? toBlobHost(text) : undefined;
  if (typeof text !== 'string' || host === undefined) return undefined;
  const own = guard.sites.get(toSignature(text) ?? toToken(input, init) ?? '')?.deref();
  if (own) return own;
  const current = guard.sites.get((guard.calls.getStore() ?? guard.latest).token)?.deref();
  return host === 'edge' || current?.captures ? current : undefined;
}

function toToken(...[input, init]: Parameters<typeof fetch>): string | undefined {
  const headers = init?.headers ?? (input instanceof Request ? input.headers : undefined);
  return new Headers(headers).get('authorization')?.replace(/^Bearer /i, '');
}
