import { METHODS } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { makeRequests, makeResponse } from './message-grammar.ts';
import { Random } from './random.ts';
import { NodeRequestReader, readResponseByNode } from './read-by-node.ts';
import { readRequestsByWire, readResponseByWire } from './read-by-wire.ts';
import type { Reading, ReadMessage } from './reading.ts';

/** What a run found. */
export interface Findings {
  readonly seed: number;
  messages: number;
  /** Messages that both readers took as the same. */
  accepted: number;
  /** How often Node took a message that the wire refused, by the wire's reason. */
  readonly onlyNode: Map<string, number>;
  /** Requests whose method Node's parser does not know: the wire takes any token (RFC 9110 9.1). */
  unknownMethods: number;
  /** Where the property does not hold; each can be repeated by its text. */
  readonly breaches: string[];
}

const MOST_BREACHES = 10;

/**
 * Reads messages that are made from `seed` by the wire, in one piece, byte by byte and cut at random, and by Node. What the wire takes, Node must take
 * with the same method or status, target, version, headers, body and end; and the cuts must change nothing.
 */
export async function compareReaders(seed: number, until: (messages: number) => boolean): Promise<Findings> {
  const random = new Random(seed);
  const findings: Findings = { seed, messages: 0, accepted: 0, onlyNode: new Map(), unknownMethods: 0, breaches: [] };
  const node = new NodeRequestReader();
  while (!until(findings.messages) && findings.breaches.length < MOST_BREACHES) {
    if (random.below(3) > 0) await compareRequests(random, node, findings);
    else await compareResponse(random, findings);
    findings.messages++;
  }
  return findings;
}

async function compareRequests(random: Random, node: NodeRequestReader, findings: Findings): Promise<void> {
  const text = makeRequests(random);
  const bytes = Buffer.from(text, 'latin1');
  const wire = readInAllCuts(random, bytes, readRequestsByWire, findings);
  const other = await node.read(bytes);
  compare(text, wire, { ...other, messages: other.messages.map(toOriginForm) }, findings);
}

async function compareResponse(random: Random, findings: Findings): Promise<void> {
  const method = random.mostly('GET', ['HEAD'], 6);
  const text = makeResponse(random);
  const bytes = Buffer.from(text, 'latin1');
  const wire = readInAllCuts(random, bytes, (pieces) => readResponseByWire(pieces, method), findings);
  compare(`${method} ${text}`, wire, await readResponseByNode(bytes, method), findings);
}

function readInAllCuts(
  random: Random,
  bytes: Buffer,
  read: (pieces: readonly Buffer[]) => Reading,
  { breaches }: Findings,
): Reading {
  const whole = read([bytes]);
  for (const pieces of [cut(bytes, () => 1), cut(bytes, () => 1 + random.below(random.pick([3, 20, 200])))]) {
    const inPieces = read(pieces);
    if (isDeepStrictEqual(toAccepted(inPieces), toAccepted(whole))) continue;
    breaches.push(show('cut differently, it reads differently', bytes.toString('latin1'), whole, inPieces));
    break;
  }
  return whole;
}

/** A refusal may be noticed at another byte, and with it have another of several reasons, in pieces. */
function toAccepted({ messages, refusal }: Reading): unknown {
  const whole = messages.filter(({ isWhole }) => isWhole);
  return refusal === undefined ? messages : [whole, 'refused'];
}

function cut(bytes: Buffer, length: () => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + length());
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}

function compare(text: string, wire: Reading, node: Reading, findings: Findings): void {
  // What was refused in the middle was not taken.
  const taken = wire.messages.filter(({ isWhole }) => isWhole || wire.refusal === undefined);
  for (const [index, message] of taken.entries()) {
    if (index > 0 && losesTheNext(taken[index - 1])) return;
    const other = node.messages[index];
    if (other && isSame(message, other)) findings.accepted++;
    else if (!isKnown(message.first)) {
      findings.unknownMethods++;
      return;
    } else {
      findings.breaches.push(show(`message ${index} is not the same for Node`, text, wire, node));
      return;
    }
  }
  if (wire.refusal === undefined || !node.messages[taken.length]?.isWhole) return;
  findings.onlyNode.set(wire.refusal, (findings.onlyNode.get(wire.refusal) ?? 0) + 1);
}

/**
 * Node's server loses what the same piece holds behind a request for an upgrade that it declines; its client takes an interim response with
 * `Connection: close`, or of HTTP/1.0, for the last one. The wire reads on in both cases.
 */
function losesTheNext(message: ReadMessage | undefined): boolean {
  if (!message) return false;
  const isInterim = /^1\d\d$/.test(message.first);
  if (isInterim && message.version === '1.0') return true;
  const cause = isInterim ? 'connection' : 'upgrade';
  return message.headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === cause);
}

/** A status, or a method that llhttp takes. */
function isKnown(first: string): boolean {
  return /^\d{3}$/.test(first) || METHODS.includes(first);
}

function isSame(one: ReadMessage, other: ReadMessage): boolean {
  if (!one.isWhole) return isDeepStrictEqual({ ...one, body: '' }, { ...other, body: '', isWhole: false });
  return isDeepStrictEqual(one, other);
}

/** What a gateway makes of an absolute target (RFC 9112 3.2.2), written apart from the code under test. */
function toOriginForm(message: ReadMessage): ReadMessage {
  const [, authority, rest] = /^https?:\/\/([^/?]+)(.*)$/i.exec(message.second) ?? [];
  if (authority === undefined) return message;
  const isServer = rest === '' && message.first === 'OPTIONS';
  const path = rest?.startsWith('/') ? rest : `/${rest}`;
  const headers = [...message.headers];
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  if (at < 0) headers.push('Host', authority);
  else headers[at + 1] = authority;
  return { ...message, second: isServer ? '*' : path, headers };
}

function show(what: string, text: string, one: Reading, other: Reading): string {
  return `${what}: ${JSON.stringify(text)}\n  ${JSON.stringify(one)}\n  ${JSON.stringify(other)}`;
}
