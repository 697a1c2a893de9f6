import test from 'ava';
import { ExternalHosts } from '../../src/hop/external-hosts.ts';

for (const [host, address, allowed, may] of [
  ['api.example', '203.0.113.7', [], true],
  ['api.example', '2001:db8::7', [], true],
  ['api.example', '127.0.0.1', [], false],
  ['api.example', '10.1.2.3', [], false],
  ['api.example', '169.254.169.254', [], false],
  ['api.example', '::1', [], false],
  ['api.example', '::ffff:10.1.2.3', [], false],
  ['api.example', 'fd00::1', [], false],
  ['api.example', 'fe80::1%eth0', [], false],
  ['api.example', '0.0.0.0', [], false],
  ['api.example', '::', [], false],
  ['localhost', '127.0.0.1', [], true],
  ['LOCALHOST', '::1', [], true],
  ['localhost.example', '127.0.0.1', [], false],
  ['API.example', '10.1.2.3', ['api.example'], true],
] as const) {
  test(`with [${allowed}] a rule that names ${host} ${may ? 'may' : 'may not'} lead to ${address}`, (t) => {
    t.is(new ExternalHosts(allowed).mayLeadTo(host, address), may);
  });
}
