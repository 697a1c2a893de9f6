import test from 'ava';
import { negotiate } from '../../src/http/negotiate.ts';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8';

const CASES: readonly (readonly [accept: string, format: 'text' | 'html' | 'json'])[] = [
  ['', 'text'],
  ['*/*', 'text'],
  [BROWSER, 'html'],
  ['application/json', 'json'],
  ['APPLICATION/JSON; charset=utf-8', 'json'],
  ['application/json, text/plain, */*', 'json'],
  ['text/plain, application/json', 'text'],
  ['*/*, application/json', 'json'],
  ['application/*', 'json'],
  ['text/*', 'text'],
  ['text/html;q=0.5, application/json;q=0.6', 'json'],
  ['text/html;q=0.6,application/json;level=1;q=0.5', 'html'],
  ['text/html;Q=0.5, application/json;q=0.4', 'html'],
  ['text/plain;q=0, */*;q=0.1', 'html'],
  ['text/plain;q=0, text/html;q=0, */*', 'json'],
  ['text/*;q=0, */*', 'json'],
  ['application/json;q=0', 'text'],
  ['application/json;q=none, text/html;q=0.1', 'html'],
  ['application/json;q=-1, text/html;q=0.1', 'html'],
  ['application/json;q=2, text/html;q=0.1', 'html'],
  ['application/json;q=, text/html;q=0.1', 'html'],
  ['image/png', 'text'],
  [',;,;;=,/', 'text'],
];

const NAMES = { 'text/plain': 'text', 'text/html': 'html', 'application/json': 'json' } as const;

for (const [accept, format] of CASES) {
  test(`Accept: ${accept} prefers ${format}`, (t) => {
    t.is(NAMES[negotiate(accept, ['text/plain', 'text/html', 'application/json'])], format);
  });
}
