/** Why there can be no function of a name, as the rest of a sentence; undefined if there can. */
export function checkName(name: string): string | undefined {
  if (RESERVED.has(name)) return 'has a name that Netlify keeps for itself';
  if (!/^[\w-]+$/.test(name)) {
    return `has the name ${JSON.stringify(name)}: only letters, digits, "-" and "_" may be in the name of a function`;
  }
  if (!EVENTS.has(name.replace(/-background$/, ''))) return undefined;
  return 'has the name of an event of Netlify: nobody but Netlify may call it, so that it is not reached here';
}

/** Of the platform's own entry files. */
const RESERVED: ReadonlySet<string> = new Set([
  '___netlify-entry-point',
  '___netlify-bootstrap',
  '___netlify-telemetry',
]);

/** The platform signs these and refuses requests from outside; what they do (roles of a new user, …) is not for everybody. */
const EVENTS: ReadonlySet<string> = new Set([
  ...['deploy-building', 'deploy-succeeded', 'deploy-failed', 'deploy-deleted', 'deploy-locked', 'deploy-unlocked'],
  ...['split-test-activated', 'split-test-deactivated', 'split-test-modified', 'submission-created'],
  ...['identity-validate', 'identity-signup', 'identity-login'],
]);
