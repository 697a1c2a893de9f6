import { ServerResponse } from 'node:http';

/** The methods of Node's response that a guard watches. */
export type Method = 'writeHead' | 'write' | 'end' | 'destroy';
export type Methods = Pick<ServerResponse, Method>;

/** Those of Node, which nearly every response has. */
export const NODES: Methods = pickMethods(ServerResponse.prototype);

/** The present methods of a response, its own or inherited. */
export function methodsOf(response: ServerResponse): Methods {
  const { writeHead, write, end, destroy } = response;
  const isNodes =
    writeHead === NODES.writeHead && write === NODES.write && end === NODES.end && destroy === NODES.destroy;
  return isNodes ? NODES : pickMethods(response);
}

/** Whether a response whose methods were `before`, all inherited, has got a prototype with others, as Express gives it `app.response`. */
export function isOverridden(response: ServerResponse, before: Methods): boolean {
  const { writeHead, write, end } = Object.getPrototypeOf(response) as Methods; // it inherits from Node's
  return writeHead !== before.writeHead || write !== before.write || end !== before.end;
}

/** Whether the response inherits all of these methods. */
export function inheritsMethods(response: ServerResponse): boolean {
  return !METHODS.some((name) => Object.hasOwn(response, name));
}

const METHODS: readonly Method[] = ['writeHead', 'write', 'end', 'destroy'];

function pickMethods({ writeHead, write, end, destroy }: ServerResponse): Methods {
  return { writeHead, write, end, destroy };
}
