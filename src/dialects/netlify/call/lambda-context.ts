import type { Invocation } from './invocation.ts';

/** What all calls of one function have in common. */
export interface LambdaIdentity {
  readonly functionName: string;
  /** '' if not set. */
  readonly region: string;
}

/** Calls a handler's own way back: an error if there is one, else the result. */
export type Callback = (error?: unknown, result?: unknown) => void;

/** The `context` of a Lambda-compatible handler. Its keys are its own, so that it can be spread; its functions need no `this`. */
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
   * Always empty. The platform puts the claims of a bearer token here once its Identity service has verified it; nobody did here, and an
   * unverified claim must not look like a user.
   */
  clientContext: object;
  /** May be set, and changes nothing: an answer is sent as soon as it is there. */
  callbackWaitsForEmptyEventLoop: boolean;
  getRemainingTimeInMillis(): number;
  done: Callback;
  fail(error?: unknown): void;
  succeed(result?: unknown): void;
}

export function toLambdaContext(
  { functionName, region }: LambdaIdentity,
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
    clientContext: {},
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.min(Math.max(0, Math.ceil(deadlineMs - performance.now())), LONGEST_TIMER),
    done,
    // AWS's own runtime does so, too: whoever calls `fail()` did not succeed.
    fail: (error) => done(error ?? 'handled'),
    succeed: (result) => done(null, result),
  };
}

/** Without a limit: functions set timers by what is left, and setTimeout takes anything longer for 1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1;
