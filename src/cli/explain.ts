import { ConfigError } from '../config/config.ts';
import { BuildError } from '../dialects/loader/build-error.ts';
import { LogError } from '../log/open.ts';
import { SiteError } from '../site/folder.ts';
import { CertificateError } from '../tls/certificate.ts';
import { JobsError } from './jobs-call.ts';

/**
 * Describes an error that stops a command, for the user; with a stack only if it is a defect of
 * nexthop.
 */
export function explain(error: unknown): string {
  if (error instanceof ConfigError)
    return `cannot start\n${error.complaints.map((complaint) => `  ${complaint}`).join('\n')}`;
  if (
    error instanceof LogError ||
    error instanceof CertificateError ||
    error instanceof SiteError ||
    error instanceof BuildError ||
    error instanceof JobsError
  )
    return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return `PORT is taken: ${error.message}; stop the other server or set PORT to another one`;
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL')
    return `cannot listen: ${error.message}; set PORT or HOST to what this user may use`;
  if (code?.startsWith('ERR_PARSE_ARGS_') || error instanceof TypeError) return error.message;
  return error.stack ?? error.message;
}
