import test from 'ava';
import { readRedirectsFile } from '../../../../src/dialects/netlify/config/redirects-file.ts';
import { toRedirectRoutes } from '../../../../src/dialects/netlify/rules/to-redirect-routes.ts';
import { createRouter } from '../../../../src/routing/router.ts';
import { captureRedirect } from '../../../helpers/capture-redirect.ts';

/** A placeholder or star at each position of a target. */
const RULES = [
  '/go/* /:splat',
  '/go/:x /:x',
  '/go/:x/* /:x/:splat',
  '/go/* /a/:splat?q=:splat',
  '/go/:x /a#:x',
  '/go to=:to /:to',
  '/go to=:to /a?b=:to',
  '/go* /:splat',
  '/go/* https://b.example/:splat',
  '/go/:x https://b.example/?x=:x',
];

/** What a client may send to be led to another host, or to write a header of its own. */
const VALUES = [
  ...['/evil.test', '//evil.test', '%2Fevil.test', '%2F%2Fevil.test', '\\evil.test', '%5Cevil.test', '/%5Cevil.test'],
  ...['%09/evil.test', '/%09/evil.test', '%0d%0aX-Evil:1', '%0aX-Evil:1', '@evil.test', 'a@evil.test', ':b@evil.test'],
  ...[
    'https:evil.test',
    'https://evil.test',
    'https:%2F%2Fevil.test',
    '.evil.test',
    '%E3%80%82evil.test',
    ';evil.test',
  ],
  ...['..%2F..%2Fevil.test', './/evil.test', '%2e%2e//evil.test', '?//evil.test', '%00//evil.test', '%ff//evil.test'],
];

for (const rule of RULES) {
  test(`the rule ${rule} leads to no other host than its own, whatever the client sends`, async (t) => {
    const { rules } = readRedirectsFile(rule, '_redirects');
    const { routes } = toRedirectRoutes({ rules, functions: [], project: { createRouter, env: {} } });
    const router = createRouter(routes);
    const hosts = ['site.example', ...(rule.includes('b.example') ? ['b.example'] : [])];
    let redirects = 0;

    for (const value of VALUES) {
      for (const target of [`/go/${value}`, `/go${value}`, `/go?to=${value}`, `/go/x/${value}`, `/go/${value}/x`]) {
        const found = await captureRedirect(router, { target, headers: {} });
        if (!found) continue;
        redirects++;
        t.regex(found.location, /^[!-~]+$/, target);
        t.true(
          hosts.includes(new URL(found.location, 'https://site.example/').host),
          `${target} leads to ${found.location}`,
        );
      }
    }

    t.true(redirects > 10);
  });
}
