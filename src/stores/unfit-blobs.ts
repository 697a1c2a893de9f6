import { type BlobStorage, UnfitBlobStorage } from '../contract/blob-storage.ts';
import { Fault } from '../contract/fault.ts';

/** Stands in for a storage that the settings do not name: `check` throws, and every call is rejected. */
export class UnfitBlobs implements BlobStorage {
  readonly isShared = true;
  readonly #message: string;

  constructor(message: string) {
    this.#message = message;
  }

  async check(): Promise<void> {
    throw new UnfitBlobStorage(this.#message);
  }

  get(): Promise<never> {
    return this.#reject();
  }

  head(): Promise<never> {
    return this.#reject();
  }

  put(): Promise<never> {
    return this.#reject();
  }

  delete(): Promise<never> {
    return this.#reject();
  }

  list(): Promise<never> {
    return this.#reject();
  }

  listStores(): Promise<never> {
    return this.#reject();
  }

  deleteStore(): Promise<never> {
    return this.#reject();
  }

  async #reject(): Promise<never> {
    throw new Fault('store_unavailable', { message: this.#message });
  }
}
