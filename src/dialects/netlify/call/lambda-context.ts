import type { Invocation } from './invocation.ts';

/** The values that all calls of one function share. */
export interface LambdaIdentity {
  readonly functionName: string;
  /** '' if not set. */
  readonly region: string;
  /** By which the function may purge cached responses. Undefined when no requests are answered. */
  readonly purgeToken?: string | undefined;
}

/** The callback of a handler: an error if there is one, else the result. */
export type Callback = (error?: unknown, result?: unknown) => void;

/**
 * The `context` of a Lambda-compatible handler. It has own properties, so that it can be spread;
 * its functions need no `this`.
 */
export interface LambdaContext {
  functionName: string;
  functionVersion: string;
  invokedFunctionArn: string;
  memoryLimitInMB: string;
  awsRequestId: string;
  logGroupName: string;
  logStreamName: string;
  identity: undefined;
  /**
   * On the platform it also holds the claims of a bearer token that the Identity service has
   * verified. nexthop verifies none, and an unverified claim must not look like a user.
   */
  clientContext: { custom?: { purge_api_token: string } };
  /** Setting it has no effect: a response is sent as soon as it exists. */
  callbackWaitsForEmptyEventLoop: boolean;
  getRemainingTimeInMillis(): number;
  done: Callback;
  fail(error?: unknown): void;
  succeed(result?: unknown): void;
}

export function toLambdaContext(
  { functionName, region, purgeToken }: LambdaIdentity,
  { jobId, requestId, deadlineMs }: Invocation,
  done: Callback,
): LambdaContext {
  return {
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:${region}:000000000000:function:${functionName}`,
    memoryLimitInMB: '1024',
    awsRequestId: jobId ?? requestId,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: '$LATEST',
    identity: undefined,
    clientContext: purgeToken === undefined ? {} : { custom: { purge_api_token: purgeToken } },
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.min(Math.max(0, Math.ceil(deadlineMs - performance.now())), LONGEST_TIMER),
    done,
    // `fail()` without an error must still fail, as in AWS's own runtime.
    fail: (error) => done(error ?? 'handled'),
    succeed: (result) => done(null, result),
  };
}

/**
 * The remaining time if there is no limit. Functions set timers by it, and setTimeout turns a
 * longer delay into 1 ms.
 */
const LONGEST_TIMER = 2 ** 31 - 1;
