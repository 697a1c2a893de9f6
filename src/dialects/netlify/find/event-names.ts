/** An event of the platform, and the functions that handle it. */
export interface PlatformEvent {
  /** The name of a function that handles it, in the older form. */
  readonly functionName: string;
  /** The method of a default export that handles it; '' if there is none. */
  readonly method: string;
  /** The value of the header `x-netlify-event`. */
  readonly slug: string;
  /** nexthop has such events. */
  readonly happens: boolean;
}

function event(functionName: string, method: string, happens = false): PlatformEvent {
  return { functionName, method, slug: functionName.replace('-', '_'), happens };
}

/** A form was submitted. */
export const SUBMISSION_CREATED = event('submission-created', 'formSubmitted', true);
/** A site with new content is in use. */
export const DEPLOY_SUCCEEDED = event('deploy-succeeded', 'deploySucceeded', true);

/** docs.netlify.com/build/functions/trigger-on-events, and `@netlify/serverless-functions-api` for methods and slugs. */
const EVENTS: readonly PlatformEvent[] = [
  SUBMISSION_CREATED,
  DEPLOY_SUCCEEDED,
  event('deploy-building', 'deployBuilding'),
  event('deploy-failed', 'deployFailed'),
  event('deploy-deleted', 'deployDeleted'),
  event('deploy-locked', 'deployLocked'),
  event('deploy-unlocked', 'deployUnlocked'),
  event('split-test-activated', ''),
  event('split-test-deactivated', ''),
  event('split-test-modified', ''),
  event('identity-validate', 'userValidate'),
  event('identity-signup', 'userSignup'),
  event('identity-login', 'userLogin'),
  event('identity-usermodified', 'userModified'),
  event('identity-userdeleted', 'userDeleted'),
];

/** The last two exist only as methods (docs.netlify.com/build/functions/trigger-on-events). */
const METHODS_ONLY: ReadonlySet<string> = new Set(['identity-usermodified', 'identity-userdeleted']);

const BY_FUNCTION: ReadonlyMap<string, PlatformEvent> = new Map(
  EVENTS.filter(({ functionName }) => !METHODS_ONLY.has(functionName)).map((each) => [each.functionName, each]),
);

/** The event that a function of this name handles, also with the suffix `-background`. */
export function findEvent(functionName: string): PlatformEvent | undefined {
  return BY_FUNCTION.get(functionName.replace(/-background$/, ''));
}

/** The events for which the default export of a module has methods. Reads its members: code of users. */
export function findMethods(exported: unknown): readonly PlatformEvent[] {
  if (typeof exported !== 'object' || exported === null) return [];
  return EVENTS.filter(({ method }) => method !== '' && typeof Reflect.get(exported, method) === 'function');
}
