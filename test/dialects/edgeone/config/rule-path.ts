import test from 'ava';
import { RuleDestination } from '../../../../src/dialects/edgeone/config/rule-destination.ts';
import { RulePath, toRulePath } from '../../../../src/dialects/edgeone/config/rule-path.ts';

/** The destination of a rule for a target; undefined if the rule does not match. */
function apply(source: string, destination: string, target: string): string | undefined {
  const path = toRulePath(target);
  const captures = path === undefined ? undefined : new RulePath(source).match(path);
  return captures && new RuleDestination(destination).fill(captures, target);
}

const RULES: readonly (readonly [source: string, destination: string, target: string, expected: string | undefined])[] =
  [
    ['/a', '/b', '/a', '/b'],
    ['/a/', '/b', '/a', '/b'],
    ['/a', '/b', '/a/', '/b'],
    ['/a', '/b', '/A', undefined],
    ['/', '/b', '/', '/b'],
    ['/a.b', '/c', '/axb', undefined],
    ['/:x', '/p/:x', '/a', '/p/a'],
    ['/:x', '/p/:x', '/', undefined],
    ['/:x/:y', '/:y/:x', '/a/b', '/b/a'],
    ['/post-:id.html', '/:id', '/post-7.html', '/7'],
    ['/:x', '/p/:x', '/a%2Fb', undefined],
    ['/*', '/p/:splat', '/%2F%2Fevil.example', undefined],
    ['/:x', '/p/:x', '/a%23%3Fb%25', '/p/a%23%3Fb%25'],
    ['/:x', '/p/:x', '/ü', undefined],
    ['/:x', '/p/:x', '/%C3%BC', '/p/%C3%BC'],
    ['/*', '/v2/:splat', '/', '/v2/'],
    ['/*', '/v2/:splat', '/a/b/', '/v2/a/b'],
    ['/a/*', '/b/:splat', '/a', '/b/'],
    ['/a/*', '/b/:splat', '/ab', undefined],
    ['/a*', '/b:splat', '/ab', '/bb'],
    ['/a/*.png', '/b/:splat.png', '/a/x/y.png', '/b/x/y.png'],
    ['/a/*.png', '/b/:splat.png', '/a/x.jpg', undefined],
    ['/*/end', '/:splat', '/a/b/end', '/a/b'],
    ['/out/*', '/:splat', '/out//evil.example', '/evil.example'],
    ['/out/*', 'https://a.example/:splat', '/out//b', 'https://a.example//b'],
    ['/x', 'https://a.example:8443/y', '/x', 'https://a.example:8443/y'],
    ['/x', '/y?a=1#f', '/x?b=2', '/y?a=1&b=2#f'],
    ['/x', '/y#f', '/x?b', '/y?b#f'],
    ['/größe', '/maß', '/gr%C3%B6%C3%9Fe', '/ma%C3%9F'],
    ['/*', '/y/:splat', '//x', undefined],
    ['/x', '/y', '/z/../x', undefined],
  ];

for (const [source, destination, target, expected] of RULES) {
  test(`${source} → ${destination} ${expected === undefined ? `does not match ${target}` : `leads ${target} to ${expected}`}`, (t) => {
    t.is(apply(source, destination, target), expected);
  });
}
