type MemoryErrorName =
  | 'MemoryValidationError'
  | 'MemoryNotFoundError'
  | 'MemoryQuotaExceededError'
  | 'MemoryStorageError'
  | 'MemoryCorruptError';

/** An error of the conversation store. Code tells its kind by `name`, as on the platform. */
export class MemoryError extends Error {
  override readonly name: MemoryErrorName;

  constructor(name: MemoryErrorName, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = name;
  }
}
