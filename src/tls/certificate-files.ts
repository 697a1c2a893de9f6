import type { Log } from '../contract/log.ts';
import { type Certificate, type CertificatePaths, readCertificate } from './certificate.ts';

/** The files that hold the certificate of this server, and what was read from them last. */
export class CertificateFiles {
  readonly #paths: CertificatePaths;
  readonly #log: Log;
  #current: Certificate;

  /** Throws a CertificateError. */
  constructor(paths: CertificatePaths, log: Log) {
    this.#paths = paths;
    this.#log = log;
    this.#current = readCertificate(paths);
    this.#warnIfOver();
  }

  get current(): Certificate {
    return this.#current;
  }

  /** Reads them again. Returns what is new; undefined where nothing is, or what is cannot be used: the log tells. Never throws. */
  renew(): Certificate | undefined {
    try {
      const found = readCertificate(this.#paths);
      if (found.cert === this.#current.cert && found.key === this.#current.key) return undefined;
      this.#current = found;
    } catch (error) {
      // Whoever renews it may write one file after the other, and signal again.
      this.#log.error('the certificate was read again and is not used; the one before goes on', { error });
      return undefined;
    }
    this.#log.info('the certificate was exchanged', { ends_at: this.#current.endsAt.toISOString() });
    this.#warnIfOver();
    return this.#current;
  }

  #warnIfOver(): void {
    const { endsAt } = this.#current;
    if (endsAt.getTime() > Date.now()) return;
    this.#log.warn('the certificate is over, and clients will refuse it', { ends_at: endsAt.toISOString() });
  }
}
