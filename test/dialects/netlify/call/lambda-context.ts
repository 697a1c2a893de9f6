import test from 'ava';
import { type LambdaContext, toLambdaContext } from '../../../../src/dialects/netlify/call/lambda-context.ts';
import { mayCallBack } from '../../../../src/dialects/netlify/call/lambda-run.ts';
import { serveLambda } from '../../../helpers/lambda-server.ts';

const KEYS = [
  ...['functionName', 'functionVersion', 'invokedFunctionArn', 'memoryLimitInMB', 'awsRequestId', 'logGroupName'],
  ...['logStreamName', 'identity', 'clientContext', 'callbackWaitsForEmptyEventLoop', 'getRemainingTimeInMillis'],
  ...['done', 'fail', 'succeed'],
];

/** The context of one call, with an unverified bearer token. */
async function contextOf(t: Parameters<typeof serveLambda>[0], timeoutMs: number): Promise<LambdaContext> {
  const contexts: LambdaContext[] = [];
  const handler = async (_event: unknown, context: LambdaContext) => {
    contexts.push(context);
    context.callbackWaitsForEmptyEventLoop = false;
    return { statusCode: 204 };
  };
  const server = await serveLambda(t, handler, { limits: { timeoutMs } });
  await fetch(server.url, { headers: { authorization: 'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln' } });
  return contexts[0] as LambdaContext; // one request, one context
}

test('the context has the keys of the platform', async (t) => {
  const context = await contextOf(t, 0);

  t.deepEqual(Object.keys({ ...context }), KEYS);
  t.is(context.functionName, 'hello');
  t.is(context.functionVersion, '$LATEST');
  t.is(context.invokedFunctionArn, 'arn:aws:lambda:lhr:000000000000:function:hello');
  t.regex(context.awsRequestId, /^[0-9A-Z]{26}$/);
  t.false(context.callbackWaitsForEmptyEventLoop);
});

test('an unverified bearer token creates no user', async (t) => {
  t.deepEqual((await contextOf(t, 0)).clientContext, {});
});

test('the remaining time counts down to 0, and without a limit it is valid for a timer', async (t) => {
  const limited = await contextOf(t, 60_000);
  const left = limited.getRemainingTimeInMillis();

  t.true(left > 50_000 && left <= 60_000, String(left));
  t.is((await contextOf(t, 0)).getRemainingTimeInMillis(), 2 ** 31 - 1);
  const identity = { functionName: 'x', region: '' };
  const over = { deadlineMs: performance.now() - 1, requestId: 'r' };
  // Only these parts of an invocation are used.
  t.is(toLambdaContext(identity, over as never, () => {}).getRemainingTimeInMillis(), 0);
});

const CANNOT: readonly ((...parts: never[]) => unknown)[] = [
  () => 1,
  (_event: unknown) => 1,
  function named(_event: unknown) {
    return 1;
  },
  ({ path }: { path: string }) => path,
];
const CAN: readonly ((...parts: never[]) => unknown)[] = [
  (_event: unknown, _context: unknown) => 1,
  (...parts: unknown[]) => parts,
  (_event: unknown, _context = {}, _callback = () => {}) => 1,
  function (_event: unknown) {
    // biome-ignore lint/complexity/noArguments: old code uses it
    return arguments[2];
  },
  ((_event: unknown) => 1).bind(null),
];

test('only a plain function with at most the event as parameter cannot call back', (t) => {
  t.deepEqual(
    CANNOT.map(mayCallBack),
    CANNOT.map(() => false),
  );
  t.deepEqual(
    CAN.map(mayCallBack),
    CAN.map(() => true),
  );
});
