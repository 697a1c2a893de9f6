/** One kind of request, which is sent repeatedly, and its expected response. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Whether the server forwards the request to the origin, or answers it with a function, a framework's app, a page of Astro or a file. */
  readonly family: 'forward' | 'function' | 'netlify' | 'limited' | 'app' | 'astro' | 'file';
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
    name: 'hello-netlify',
    title: 'Hello function of Netlify',
    family: 'netlify',
    method: 'GET',
    path: '/hello-netlify',
    uploadBytes: 0,
    answer: Buffer.from('Hello from Node.js!'),
    yardstick: 'node-http',
  },
  {
    name: 'hello-limited',
    title: 'Hello function of Netlify with a rate limit',
    family: 'limited',
    method: 'GET',
    path: '/hello-limited',
    uploadBytes: 0,
    answer: Buffer.from('Hello from Node.js!'),
    yardstick: 'node-http',
  },
  {
    name: 'hello-cached',
    title: 'Cached response of a function of Netlify',
    family: 'netlify',
    method: 'GET',
    path: '/hello-cached',
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
    name: 'astro',
    title: 'Astro page of 5 KB',
    family: 'astro',
    method: 'GET',
    path: '/page',
    uploadBytes: 0,
    answer: Buffer.from(toPage()),
    yardstick: '@astrojs/node',
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
    name: 'file-5k',
    title: 'File, 5 KB',
    path: '/files/sheet.css',
    answer: Buffer.alloc(5 * 1024, '/* nexthop */\n'),
  },
  {
    ...FILE,
    name: 'file-100k',
    title: 'File, 100 KB',
    path: '/files/code.js',
    answer: Buffer.alloc(100 * 1024, '/* nexthop */\n'),
  },
];

/** The page of bench/apps/astro. */
function toPage(): string {
  const items = Array.from({ length: 64 }, (_, number) => toItem(number)).join('');
  return `<!DOCTYPE html><html><head><title>Items</title></head><body><ul>${items}</ul></body></html>`;
}

function toItem(number: number): string {
  return `<li class="item"><b>${number}</b> An item of the list, with some text.</li>`;
}
