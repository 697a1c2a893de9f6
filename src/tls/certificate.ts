import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { UserError } from '../contract/user-error.ts';

/** Absolute paths of the two files. */
export interface CertificatePaths {
  readonly cert: string;
  readonly key: string;
}

/** The content of both files, in PEM: the certificate with its chain, and its key. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** When it expires. */
  readonly endsAt: Date;
}

/** A certificate or key that cannot be used. The message names the setting, the file, and the error of OpenSSL or the system. */
export class CertificateError extends UserError {
  override readonly name = 'CertificateError';

  override get isOfSetting(): boolean {
    return true;
  }
}

/** Reads both files and checks that they match. Throws a CertificateError, which never contains a part of the key. */
export function readCertificate({ cert: certPath, key: keyPath }: CertificatePaths): Certificate {
  const cert = attempt(`SERVER_CERT_PATH: cannot read "${certPath}"`, () => readFileSync(certPath, 'latin1'));
  const key = attempt(`SERVER_KEY_PATH: cannot read "${keyPath}"`, () => readFileSync(keyPath, 'latin1'));
  const first = attempt(`SERVER_CERT_PATH: no certificate in PEM in "${certPath}"`, () => new X509Certificate(cert));
  attempt(`SERVER_KEY_PATH: no private key in PEM, without a password, in "${keyPath}"`, () => createPrivateKey(key));
  attempt(`SERVER_KEY_PATH: "${keyPath}" does not go with "${certPath}"`, () => createSecureContext({ cert, key }));
  return { cert, key, endsAt: first.validToDate };
}

/** Errors of node:fs and OpenSSL contain the reason, never the content. */
function attempt<T>(complaint: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new CertificateError(`${complaint} (${cause instanceof Error ? cause.message : cause})`, { cause });
  }
}
