type PagesBlobCode =
  | 'INVALID_KEY'
  | 'INVALID_STORE_NAME'
  | 'PRECONDITION_FAILED'
  | 'QUOTA_EXCEEDED'
  | 'MISSING_ENVIRONMENT'
  | 'COS_ERROR';

/** An error of `@edgeone/pages-blob`. */
export class PagesBlobError extends Error {
  override readonly name = 'PagesBlobError';
  readonly code: PagesBlobCode | 'RATE_LIMITED';

  constructor(message: string, code: PagesBlobError['code'] = 'COS_ERROR', cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** `onlyIfNew` was given, and the key exists. */
export class PreconditionFailedError extends PagesBlobError {
  constructor(message = 'the key exists already') {
    super(message, 'PRECONDITION_FAILED');
  }
}

/** The blobs of the site have reached BLOBS_LIMIT. */
export class QuotaExceededError extends PagesBlobError {
  constructor(message = 'the storage for blobs is full', cause?: unknown) {
    super(message, 'QUOTA_EXCEEDED', cause);
  }
}

/** Part of the package; never thrown. */
export class RateLimitedError extends PagesBlobError {
  constructor(message = 'too many requests') {
    super(message, 'RATE_LIMITED');
  }
}
