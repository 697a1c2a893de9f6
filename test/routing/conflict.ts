import test from 'ava';
import type { Route } from '../../src/contract/route.ts';
import { findConflicts } from '../../src/routing/conflict.ts';
import { route } from '../helpers/route.ts';

test('two routes with one pattern conflict in the methods that both have', (t) => {
  t.deepEqual(conflictsOf(named('a', '/x', ['GET', 'POST']), named('b', '/x', ['POST', 'PUT'])), ['b behind a: POST']);
  t.deepEqual(conflictsOf(named('a', '/x', 'any'), named('b', '/x', ['PUT'])), ['b behind a: PUT']);
  t.deepEqual(conflictsOf(named('a', '/x', ['GET']), named('b', '/x', 'any')), ['b behind a: GET']);
  t.deepEqual(conflictsOf(named('a', '/x', 'any'), named('b', '/x', 'any')), ['b behind a: any']);
});

test('routes with one pattern and different methods do not conflict', (t) => {
  t.deepEqual(conflictsOf(named('a', '/x', ['GET']), named('b', '/x', ['POST']), named('c', '/x', ['PUT'])), []);
});

test('patterns that differ only in parameter names conflict', (t) => {
  t.deepEqual(conflictsOf(named('a', '/x/:id'), named('b', '/x/:name')), ['b behind a: any']);
  t.deepEqual(conflictsOf(named('a', '/x/*rest'), named('b', '/x/*all')), ['b behind a: any']);
});

test('patterns that differ in kind, position or text of segments do not conflict', (t) => {
  const patterns = ['/', '/x', '/x/y', '/:a', '/*a', '/x/:a', '/x/*a', '/:a/x', '/param', '/catch-all'];

  t.deepEqual(conflictsOf(...patterns.map((text) => named(text, text))), []);
});

test('the one route of all files of a folder conflicts with no other catch-all', (t) => {
  const files = route('/*', { file: 'dist/client', folder: 'dist/client', countFiles: () => 0 });

  t.deepEqual(conflictsOf(files, named('pages', '/*')), []);
});

test('patterns with a `match` conflict if their texts are equal', (t) => {
  const digits = picky('digits', '/x/:id(\\d+)');
  const any = picky('any', '/x/:id');

  t.deepEqual(conflictsOf(digits, any), []);
  t.deepEqual(conflictsOf(digits, picky('other', '/x/:number(\\d+)')), ['other behind digits: any']);
  t.deepEqual(conflictsOf(any, named('plain', '/x/:name')), ['plain behind any: any']);
  t.deepEqual(conflictsOf(named('plain', '/x/:name'), any), ['any behind plain: any']);
});

test('each route conflicts once for each method, with the first route that has it', (t) => {
  t.deepEqual(
    conflictsOf(
      named('a', '/x', ['GET']),
      named('b', '/x', ['GET', 'POST']),
      named('c', '/x', ['GET', 'POST', 'PUT']),
      named('d', '/x', 'any'),
      named('e', '/x', ['HEAD']),
      named('f', '/x', 'any'),
    ),
    [
      'b behind a: GET',
      'c behind a: GET',
      'c behind b: POST',
      'd behind a: GET',
      'd behind b: POST',
      'd behind c: PUT',
      'e behind d: HEAD',
      'f behind a: GET',
      'f behind b: POST',
      'f behind c: PUT',
      'f behind d: any',
    ],
  );
});

function named(file: string, pattern: string, methods: Route['methods'] = 'any'): Route {
  return route(pattern, { file, methods });
}

function picky(file: string, text: string): Route {
  return route('/x/:id', { file, pattern: { ...route('/x/:id').pattern, text, match: () => undefined } });
}

function conflictsOf(...routes: readonly Route[]): string[] {
  return findConflicts(routes).map(({ first, second, methods }) => `${second.file} behind ${first.file}: ${methods}`);
}
