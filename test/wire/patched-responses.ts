import { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import test, { type ExecutionContext } from 'ava';
import { bareServer, get, type NodeListener, pairServer } from '../helpers/node-servers.ts';

// The package has no types.
const express = createRequire(import.meta.url)('express') as Express;

type Express = () => NodeListener & {
  readonly response: object;
  get(path: string, handle: (request: unknown, response: ServerResponse) => void): void;
};

/** Methods that agents and middleware replace. */
const PATCHED = ['writeHead', 'write', 'end', 'setHeader', 'flushHeaders'] as const;

type Method = (this: ServerResponse, ...given: unknown[]) => unknown;
type Methods = Record<string, Method>;
type Note = (call: readonly unknown[]) => void;

/** `from`: has the methods. Sets methods in `to` that note each call, and make it. */
function patch(to: object, from: object, note: Note, names: readonly string[] = PATCHED): void {
  for (const name of names) {
    const method = (from as Methods)[name] as Method;
    (to as Methods)[name] = function (...given) {
      const shown = given.map((each) => (typeof each === 'function' ? 'callback' : String(each)));
      note([name, shown, this.headersSent, this.statusCode, this.writableEnded]);
      return Reflect.apply(method, this, given);
    };
  }
}

/** How code gets between an app and its response: called for each response. */
const PATCHES: Readonly<Record<string, (response: ServerResponse, note: Note) => void>> = {
  'on the response, as compression and express-session do': (response, note) => patch(response, response, note),
  'twice on the response': (response, note) => {
    patch(response, response, note);
    patch(response, response, (call) => note(['outer', ...call]));
  },
  'in its prototype, as app.response of Express': (response, note) => {
    const prototype = Object.create(ServerResponse.prototype) as object;
    patch(prototype, ServerResponse.prototype, note);
    Object.setPrototypeOf(response, prototype);
  },
  'in its prototype and on the response': (response, note) => {
    const prototype = Object.create(ServerResponse.prototype) as object;
    patch(prototype, ServerResponse.prototype, note);
    Object.setPrototypeOf(response, prototype);
    patch(response, response, (call) => note(['outer', ...call]));
  },
};

const LISTENERS: Readonly<Record<string, NodeListener>> = {
  'end with text': (_request, response) => response.end('hello'),
  'end without content': (_request, response) => response.end(),
  'end with a callback': (_request, response) => response.end(Buffer.from('hello'), () => undefined),
  'a head and an end': (_request, response) => response.writeHead(201, { 'X-A': 'b' }).end('hello'),
  'a head with a length': (_request, response) => response.writeHead(200, 'Fine', { 'Content-Length': 5 }).end('hello'),
  'a header, pieces and an end': (_request, response) => {
    response.setHeader('X-A', 'b');
    response.write('a');
    response.write('b', 'latin1');
    response.end('c');
  },
  'a flushed head': (_request, response) => {
    response.flushHeaders();
    response.end('x');
  },
  'no content': (_request, response) => {
    response.statusCode = 204;
    response.end();
  },
};

type Start = (
  t: ExecutionContext,
  listener: NodeListener,
) => Promise<{ connect(): ReturnType<Awaited<ReturnType<typeof bareServer>>['connect']> }>;

/** The calls that patches notice, and what the client receives. */
async function seen(
  t: ExecutionContext,
  start: Start,
  listener: NodeListener,
  prepare: (response: ServerResponse, note: Note) => void,
) {
  const calls: unknown[] = [];
  const server = await start(t, (request, response) => {
    prepare(response, (call) => calls.push(call));
    return listener(request, response);
  });
  const peer = await server.connect();
  peer.write(get('/', 'Connection: close\r\n'));
  const text = await peer.readToEnd();
  const [head = '', ...content] = text.split('\r\n\r\n');
  const lines = head.split('\r\n').filter((line) => !/^(?:date|keep-alive):/i.test(line));
  return { calls, head: [lines[0], ...lines.slice(1).sort()], content };
}

for (const [how, prepare] of Object.entries(PATCHES)) {
  for (const [what, listener] of Object.entries(LISTENERS)) {
    test(`methods that are patched ${how} see the calls that they see under node:http: ${what}`, async (t) => {
      t.deepEqual(await seen(t, pairServer, listener, prepare), await seen(t, bareServer, listener, prepare));
    });
  }
}

for (const [what, listener] of Object.entries(LISTENERS)) {
  test.serial(`methods of all responses that an agent patches see the same calls: ${what}`, async (t) => {
    let note: Note = () => undefined;
    const before = PATCHED.map((name) => Object.getOwnPropertyDescriptor(ServerResponse.prototype, name));
    patch(ServerResponse.prototype, ServerResponse.prototype, (call) => note(call));
    t.teardown(() => {
      for (const [at, name] of PATCHED.entries()) {
        const descriptor = before[at];
        if (descriptor) Object.defineProperty(ServerResponse.prototype, name, descriptor);
        else delete (ServerResponse.prototype as unknown as Record<string, unknown>)[name];
      }
    });
    const use = (_response: ServerResponse, next: Note): void => {
      note = next;
    };

    t.deepEqual(await seen(t, pairServer, listener, use), await seen(t, bareServer, listener, use));
  });
}

/** A listener with an app whose `app.response` overrides `end`, as the documentation of Express shows it for its own methods. */
function expressWith(end: Method): NodeListener {
  const app = express();
  Object.assign(app.response, { end });
  app.get('/', (_request: unknown, response: ServerResponse) => void response.end('hello'));
  app.get('/declared', (_request: unknown, response: ServerResponse) => {
    response.setHeader('Content-Length', 5);
    response.end('hello');
  });
  return app;
}

test('an Express app that overrides app.response.end changes what is sent', async (t) => {
  const listener = expressWith(function () {
    return Reflect.apply(ServerResponse.prototype.end, this, ['changed']);
  });

  const { content, head } = await seen(t, pairServer, listener, () => undefined);

  t.deepEqual(content, ['changed']);
  t.true(head.includes('Content-Length: 7'));
});

test('an app.response.end that sends more than the declared length sends nothing beyond it', async (t) => {
  const listener = expressWith(function (content) {
    return Reflect.apply(ServerResponse.prototype.end, this, [`${content}HTTP/1.1 200 OK\r\n\r\n`]);
  });
  const server = await pairServer(t, (request, response) => {
    try {
      listener(request, response);
    } catch {
      // Thrown by Node, to the app.
    }
  });
  const peer = await server.connect();
  peer.write(get('/declared') + get('/', 'Connection: close\r\n'));
  await Promise.race([peer.readToEnd(), peer.until(() => peer.received.includes('Internal Server Error'))]);

  t.false(peer.received.includes('helloHTTP'));
});
