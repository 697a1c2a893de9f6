import type { Random } from './random.ts';

const METHODS = [
  'GET',
  'POST',
  'PUT',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'PROPFIND',
  'CONNECT',
  'TRACE',
  'get',
  'X-Y',
];
const TARGETS = [
  '/a?b=c',
  '/%41%2f',
  '//x',
  '/\\',
  '/a b',
  '/a#b',
  '/\xe9',
  '/"<>[]{}|^`',
  '*',
  'http://h.example/x',
  'http://h',
  'a',
  '',
];
const VERSIONS = [
  'HTTP/1.0',
  'HTTP/1.1 ',
  'HTTP/0.9',
  'HTTP/2.0',
  'HTTP/1.2',
  'http/1.1',
  'RTSP/1.0',
  'ICE/1.0',
  'HTTP/01.1',
  'HTTP/1.10',
  '',
];
const REASONS = ['', 'Not Found', 'So \xe9', 'a\tb', 'a\0b', '\x7f'];
const STATUSES = [
  '404',
  '204',
  '304',
  '205',
  '100',
  '103',
  '101',
  '299',
  '999',
  '000',
  '099',
  '20',
  '2000',
  '2x0',
  '1 1',
];
const HOSTS = ['h.example:80', '[::1]', '', 'a b', 'a,b', 'a@b', 'h:99999'];
const LENGTHS = [
  '0',
  '3',
  '007',
  '',
  ' 5 ',
  '+5',
  '-1',
  '5, 5',
  '5 5',
  '0x5',
  '5;a',
  '99999999999999999999',
  '9007199254740991',
];
const CODINGS = [
  'Chunked',
  ' chunked ',
  'gzip, chunked',
  'chunked, gzip',
  'identity',
  '',
  'xchunked',
  '"chunked"',
  'chunked;q=1',
  'chun ked',
];
const CONNECTIONS = ['close', 'keep-alive', 'Close, x', 'upgrade', 'te, close', '', ',,', 'content-length'];
const PLAIN = [
  'X: y',
  'x-two:\tz \t',
  'Empty:',
  'Accept: */*;q=0.1',
  'Cookie: a="b\\"; c',
  'Latin: \xe9\xff',
  "!#$%&'*+.^_`|~-9: t",
];
const ODD = [
  'X : y',
  ': y',
  'X',
  ' folded',
  'X Y: z',
  'X: a\0b',
  'X: a\x0bb',
  'X: \x7f',
  'X\xe9: y',
  '(x): y',
  'X: a\rb',
  'Content_Length: 5',
];
const LINE_ENDS = ['\n', '\r', '\r\r\n', ' \r\n', '\r\n ', '\n\r'];
const EXTENSIONS = [
  ';a',
  ';a=b',
  ';a="b;c"',
  ';a="b\\"c"',
  ';',
  ';;a',
  '; a',
  ' ;a',
  ';a=',
  ';a="b',
  ';a="b"c',
  ';\xe9',
  ';a=b;c=d',
];
const SIZES = [
  '0x5',
  '+5',
  '5 ',
  ' 5',
  '',
  'g',
  'FFFFFFFFFFFFFFFF',
  '20000000000000',
  '00000000000000000005',
  '5\t',
  '-1',
];
const TRAILERS = ['X-Sum: 1', 'a:b', 'Content-Length: 3', 'Transfer-Encoding: chunked', 'Host: x', 'X', 'X : y', ' x'];

/** One to three requests, one behind the other, as latin1 text; mostly in order. */
export function makeRequests(random: Random): string {
  let text = random.mostly('', ['\r\n', '\r\n\r\n', '\n', ' '], 20);
  for (let left = 1 + random.below(3); left > 0; left--) text += makeRequest(random);
  return mutate(random, text);
}

/** One response, perhaps behind interim ones, and perhaps with something behind it. */
export function makeResponse(random: Random): string {
  let text = '';
  while (random.oneIn(6)) text += `HTTP/1.1 ${random.pick(['103', '100', '102'])} Hint\r\nLink: </a>\r\n\r\n`;
  const status = random.mostly('200', STATUSES, 3);
  const version = random.mostly('HTTP/1.1', VERSIONS);
  const reason = random.mostly(' OK', ['', ...REASONS.map((each) => ` ${each}`)], 4);
  text += `${version} ${status}${reason}${lineEnd(random)}`;
  text += makeLinesAndBody(random);
  if (random.oneIn(8)) text += random.pick(['garbage', 'HTTP/1.1 200 OK\r\n\r\n', '\r\n']);
  return mutate(random, text);
}

function makeRequest(random: Random): string {
  const method = random.mostly(random.pick(METHODS.slice(0, 7)), METHODS, 6);
  const target = random.mostly('/', TARGETS, 3);
  const space = random.mostly(' ', ['  ', '\t', ''], 60);
  const version = random.mostly('HTTP/1.1', VERSIONS, 10);
  let text = `${method}${space}${target} ${version}${lineEnd(random)}`;
  if (!random.oneIn(25))
    text += `${random.pick(['Host', 'host', 'HOST'])}: ${random.mostly('a', HOSTS, 12)}${lineEnd(random)}`;
  if (random.oneIn(60)) text += 'Host: b\r\n';
  if (random.oneIn(15)) text += `Expect: ${random.pick(['100-continue', '100-Continue', 'x'])}\r\n`;
  if (random.oneIn(15)) text += 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
  return text + makeLinesAndBody(random);
}

/** Header lines, the empty line, and a body that fits what they say, unless it does not. */
function makeLinesAndBody(random: Random): string {
  const lines: string[] = [];
  for (let left = random.below(4); left > 0; left--) lines.push(random.mostly(random.pick(PLAIN), ODD, 20));
  if (random.oneIn(5)) lines.push(`Connection: ${random.pick(CONNECTIONS)}`);
  let body = '';
  if (random.oneIn(2)) {
    body = 'hello'.slice(0, random.mostly(5, [0, 3, 4], 12));
    lines.push(`${random.pick(['Content-Length', 'content-length'])}: ${random.mostly('5', LENGTHS, 6)}`);
  }
  if (random.oneIn(body ? 20 : 2)) {
    lines.push(`Transfer-Encoding: ${random.mostly('chunked', CODINGS, 6)}`);
    body = makeChunks(random);
  }
  if (random.oneIn(40)) lines.push(lines[0] ?? 'X: y');
  lines.sort(() => random.below(3) - 1);
  return `${lines.map((line) => line + lineEnd(random)).join('')}${lineEnd(random)}${body}`;
}

function makeChunks(random: Random): string {
  let text = '';
  for (let left = random.below(4); left > 0; left--) {
    const content = random.pick(['hi', 'a', 'hello world, hello', '\r\n', '0\r\n\r\n']);
    const size = random.mostly(content.length.toString(16), [...SIZES, content.length.toString(16).toUpperCase()], 20);
    text += `${size}${random.mostly('', EXTENSIONS, 10)}${lineEnd(random)}${content}${lineEnd(random)}`;
  }
  text += `${random.mostly('0', ['00', '000000', ''], 20)}${random.mostly('', EXTENSIONS, 20)}${lineEnd(random)}`;
  while (random.oneIn(6)) text += `${random.mostly('X-Sum: 1', TRAILERS, 3)}${lineEnd(random)}`;
  return text + lineEnd(random);
}

function lineEnd(random: Random): string {
  return random.mostly('\r\n', LINE_ENDS, 200);
}

const BYTES = [
  '\0',
  '\t',
  '\n',
  '\r',
  '\r\n',
  ' ',
  '\x7f',
  '\x80',
  '\xff',
  ':',
  ',',
  ';',
  '"',
  '0',
  '5',
  'a',
  '\r\n\r\n',
  '\x0b',
];

/** In half of the cases, changes a few places. */
function mutate(random: Random, text: string): string {
  let changed = text;
  while (random.oneIn(2)) {
    const at = random.below(changed.length + 1);
    const to = at + random.below(4);
    const [before, after] = [changed.slice(0, at), changed.slice(at)];
    switch (random.below(5)) {
      case 0:
        changed = before + random.pick(BYTES) + after;
        break;
      case 1:
        changed = before + changed.slice(to);
        break;
      case 2:
        changed = before + random.pick(BYTES) + changed.slice(to);
        break;
      case 3:
        changed = before + changed.slice(at, at + random.below(40)) + after;
        break;
      case 4:
        changed = random.oneIn(4) ? before : before.toUpperCase() + after;
        break;
    }
  }
  return changed;
}
