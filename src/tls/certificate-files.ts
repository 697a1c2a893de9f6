import type { Log } from '../contract/log.ts';
import { type Certificate, type CertificatePaths, readCertificate } from './certificate.ts';

/** The certificate files of this server, and their content when last read. */
export class CertificateFiles {
  readonly #paths: CertificatePaths;
  readonly #log: Log;
  #current: Certificate;

  /** Throws a CertificateError. */
  constructor(paths: CertificatePaths, log: Log) {
    this.#paths = paths;
    this.#log = log;
    this.#current = readCertificate(paths);
    this.#warnIfExpired();
  }

  get current(): Certificate {
    return this.#current;
  }

  /** Reads the files again. Returns the new certificate; undefined if it is unchanged or cannot be used, which is logged. Never throws. */
  renew(): Certificate | undefined {
    try {
      const found = readCertificate(this.#paths);
      if (found.cert === this.#current.cert && found.key === this.#current.key) return undefined;
      this.#current = found;
    } catch (error) {
      // A renewal may write one file after the other: the next signal finds both.
      this.#log.error('the certificate was read again but cannot be used; the previous one stays in use', {
        file: this.#paths.cert,
        error,
      });
      return undefined;
    }
    this.#log.info('the certificate was replaced', { ends_at: this.#current.endsAt.toISOString() });
    this.#warnIfExpired();
    return this.#current;
  }

  #warnIfExpired(): void {
    const { endsAt } = this.#current;
    if (endsAt.getTime() > Date.now()) return;
    const file = this.#paths.cert;
    this.#log.warn('the certificate has expired and clients refuse it: replace the file, and send SIGHUP', {
      ...{ file, ends_at: endsAt.toISOString() },
    });
  }
}
