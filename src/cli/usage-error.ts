import { UserError } from '../contract/user-error.ts';

/** A command, a flag or an argument that does not exist or does not fit. The message says what was given and what fits. */
export class UsageError extends UserError {
  override readonly name = 'UsageError';
}
