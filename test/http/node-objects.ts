import { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import test from 'ava';
import { createNodeObjects } from '../../src/http/node-objects.ts';

/** It has no types. */
const express: () => { readonly request: object; readonly response: object } = createRequire(import.meta.url)(
  'express',
);

test('objects for an app of Express have the prototypes that it gives them, and the members of those of node:http', (t) => {
  const app = express();
  const objects = createNodeObjects(app.request, app.response);
  const request = objects?.createRequest(undefined as never) as IncomingMessage;
  const response = objects?.createResponse(request) as ServerResponse;
  t.is(Object.getPrototypeOf(request), app.request);
  t.is(Object.getPrototypeOf(response), app.response);
  const plain = new IncomingMessage(undefined as never);
  t.deepEqual(Reflect.ownKeys(request), Reflect.ownKeys(plain));
  t.deepEqual(Reflect.ownKeys(response), Reflect.ownKeys(new ServerResponse(plain)));
});

test('prototypes that are not those of Node, or have a member that its objects have, are not used', (t) => {
  const { request, response } = express();
  t.truthy(createNodeObjects(Object.create(request), response));
  t.is(createNodeObjects(undefined, undefined), undefined);
  t.is(createNodeObjects({}, response), undefined);
  t.is(createNodeObjects(response, request), undefined);
  t.is(createNodeObjects(Object.create(request, { url: { get: () => '/' } }), response), undefined);
  t.is(createNodeObjects(Object.create(request, { headers: { get: () => ({}) } }), response), undefined);
  t.is(createNodeObjects(request, Object.create(response, { finished: { value: true } })), undefined);
  t.is(createNodeObjects(request, Object.create(response, { end: { value: () => {} } })), undefined);
  t.truthy(createNodeObjects(Object.create(request, { context: { value: 1 } }), response));
  t.is(
    createNodeObjects(Object.create(request, { context: { value: 1 } }), response, { context: undefined }),
    undefined,
  );
});
