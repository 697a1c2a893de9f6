import { randomUUID } from 'node:crypto';
import type { BlobStorage } from '../../../contract/blob-storage.ts';
import type { Log } from '../../../contract/log.ts';
import type { Run } from '../call/invocation.ts';
import type { DeployFile } from '../find/find-deploy-files.ts';
import { BLOBS_ORIGIN } from './blob-address.ts';
import { BlobAnswers } from './blob-answers.ts';
import { deleteDeploy, deleteReplacedDeploys, storeDeployFiles, toDeployStore } from './deploys.ts';
import { type BlobsOfSite, type DeployBlobs, guardFetch, runWithContext, type SiteContext } from './fetch-guard.ts';

/** How long the stores of a replaced deploy stay for streams that its last call has started, and for other processes of this machine. */
const GRACE_MS = 60_000;

export interface NetlifyBlobsParts {
  readonly storage: BlobStorage;
  readonly site: string;
  readonly region: string;
  readonly captures: boolean;
  readonly log: Log;
  /** Default: a minute. */
  readonly graceMs?: number;
}

/**
 * The blobs of one site for `@netlify/blobs`: the context by which the client finds them, and the
 * answers to its requests. One object for each storage, whose token stays the same, because code of
 * the site may keep a store for as long as the process lives.
 */
export class NetlifyBlobs implements BlobsOfSite {
  readonly token = randomUUID();
  readonly storage: BlobStorage;
  readonly captures: boolean;
  readonly #parts: NetlifyBlobsParts;
  readonly #answers: BlobAnswers;
  #current: Deploy | undefined;

  constructor(parts: NetlifyBlobsParts) {
    this.#parts = parts;
    this.storage = parts.storage;
    this.captures = parts.captures;
    const { storage, site, captures, log } = parts;
    const onStore = async (store: string): Promise<void> => this.#current?.prepare(store);
    this.#answers = new BlobAnswers({ storage, site, token: this.token, captures, log, onStore });
  }

  answer(request: Request): Promise<Response> {
    return this.#answers.answer(request);
  }

  /**
   * Makes a deploy the current one: code that is loaded from now on, and outside of any call, uses
   * it. The stores of the previous one are removed after its last call.
   */
  use(deployId: string, files: readonly DeployFile[]): DeployBlobs {
    const { storage, site, region } = this.#parts;
    const { token } = this;
    const edge = { edgeURL: BLOBS_ORIGIN, uncachedEdgeURL: BLOBS_ORIGIN, token };
    const context = { token, encoded: toBase64({ ...edge, siteID: site, deployID: deployId, primaryRegion: region }) };
    const deploy = new Deploy({ storage, deployId, files, context, onCall: () => this.#makeCurrent(deploy) });
    this.#makeCurrent(deploy);
    deploy.prepare(toDeployStore(deployId)).catch((error: unknown) => this.#report(error));
    const eventBlobs = toBase64({ url: BLOBS_ORIGIN, token });
    return { deployId, site, eventBlobs, connect: (run) => deploy.connect(run) };
  }

  /** Also called for a deploy whose code stays in use because a reload has refused the new one. */
  #makeCurrent(deploy: Deploy): void {
    const previous = this.#current;
    if (previous === deploy) return;
    this.#current = deploy;
    deploy.isRetired = false;
    guardFetch(this, deploy.context);
    if (previous) this.#retire(previous);
    else deleteReplacedDeploys(this.storage, deploy.deployId).catch((error: unknown) => this.#report(error));
  }

  #retire(previous: Deploy): void {
    const { storage, graceMs = GRACE_MS } = this.#parts;
    const remove = async (): Promise<void> => {
      const current = this.#current?.deployId ?? '';
      // Its code may be in use again meanwhile.
      if (!previous.isRetired || current === previous.deployId) return;
      previous.forgetFiles();
      if (storage.isShared) await deleteReplacedDeploys(storage, current);
      else await deleteDeploy(storage, previous.deployId);
    };
    previous.retire(() => {
      setTimeout(() => remove().catch((error: unknown) => this.#report(error)), graceMs).unref();
    });
  }

  #report(error: unknown): void {
    this.#parts.log.warn(
      'the blobs of deploys could not be brought up to date: those of this one may be missing, or those of a replaced one are kept; the next start or reload tries again',
      { error },
    );
  }
}

interface DeployParts {
  readonly storage: BlobStorage;
  readonly deployId: string;
  readonly files: readonly DeployFile[];
  readonly context: SiteContext;
  /** Called before each call of its code. Also keeps the NetlifyBlobs alive. */
  readonly onCall: () => void;
}

/** The code of one reading of the site, its files and its calls in flight. */
class Deploy {
  readonly deployId: string;
  readonly context: SiteContext;
  isRetired = false;
  readonly #parts: DeployParts;
  #files: Promise<void> | undefined;
  #calls = 0;
  #onEnd: () => void = () => {};

  constructor(parts: DeployParts) {
    this.#parts = parts;
    this.deployId = parts.deployId;
    this.context = parts.context;
  }

  connect(run: Run): Run {
    const over = (): void => {
      this.#calls--;
      this.#endIfOver();
    };
    return (invocation) => {
      this.#parts.onCall();
      this.#calls++;
      let response: ReturnType<Run> | undefined;
      try {
        response = runWithContext(this.context, () => run(invocation));
      } finally {
        if (response instanceof Promise) response.then(over, over);
        else over();
      }
      return response;
    };
  }

  /** Calls `onEnd` after the last call. */
  retire(onEnd: () => void): void {
    this.isRetired = true;
    this.#onEnd = onEnd;
    this.#endIfOver();
  }

  /** The files of the build are stored before their store is used. After a failure the next call tries again. */
  async prepare(store: string): Promise<void> {
    const { storage, deployId, files } = this.#parts;
    if (files.length === 0 || store !== toDeployStore(deployId)) return;
    this.#files ??= storeDeployFiles(storage, deployId, files).catch((error: unknown) => {
      this.#files = undefined;
      throw error;
    });
    await this.#files;
  }

  /** They were removed from the storage. */
  forgetFiles(): void {
    this.#files = undefined;
  }

  #endIfOver(): void {
    if (this.isRetired && this.#calls === 0) this.#onEnd();
  }
}

function toBase64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}
