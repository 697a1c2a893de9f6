/** One kind of request, which is sent repeatedly, and its expected response. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Whether the server forwards the request to the origin, or answers it with a function, a framework's app or a file. */
  readonly family: 'forward' | 'function' | 'app' | 'file';
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly uploadBytes: number;
  readonly answer: Buffer;
  /** The server with whose CPU time the others are compared. */
  readonly yardstick: string;
}

/** Every byte of an upload, so that the origin can detect a damaged one. */
export const UPLOAD_BYTE = 'u';

const FORWARD = { family: 'forward', method: 'GET', uploadBytes: 0, yardstick: 'floor' } as const;

const FILE = { family: 'file', method: 'GET', uploadBytes: 0, yardstick: 'sirv' } as const;

export const SCENARIOS: readonly Scenario[] = [
  { ...FORWARD, name: 'get', title: 'Forwarded GET, 1 KB', path: '/1k.html', answer: Buffer.alloc(1024, 'nexthop ') },
  {
    ...FORWARD,
    name: 'download',
    title: 'Forwarded download, 1 MB',
    path: '/1m.bin',
    answer: Buffer.alloc(1024 * 1024, '0123456789abcdef'),
  },
  {
    ...FORWARD,
    name: 'upload',
    title: 'Forwarded upload, 16 KB',
    method: 'POST',
    path: '/upload',
    uploadBytes: 16 * 1024,
    answer: Buffer.from('received\n'),
  },
  {
    name: 'hello',
    title: 'Hello function',
    family: 'function',
    method: 'GET',
    path: '/hello',
    uploadBytes: 0,
    answer: Buffer.from('Hello from Node.js!'),
    yardstick: 'node-http',
  },
  {
    name: 'app',
    title: 'Express app',
    family: 'app',
    method: 'GET',
    path: '/app/hello?name=Node.js',
    uploadBytes: 0,
    answer: Buffer.from('{"hello":"Node.js"}'),
    yardstick: 'express-app',
  },
  {
    ...FILE,
    name: 'file-1k',
    title: 'File, 1 KB',
    path: '/files/page.html',
    answer: Buffer.alloc(1024, '<p>nexthop</p>\n'),
  },
  {
    ...FILE,
    name: 'file-100k',
    title: 'File, 100 KB',
    path: '/files/code.js',
    answer: Buffer.alloc(100 * 1024, '/* nexthop */\n'),
  },
];
