/** An error with a message for the user that says what to do. Commands print the message without a stack. */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  /** The value of a setting, or a file that a setting names, cannot be used. */
  get isOfSetting(): boolean {
    return false;
  }
}
