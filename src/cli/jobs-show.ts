import type { JobRecord, Ledger } from '../contract/store.ts';
import { align, inOneLine } from './align.ts';
import { toJobJson } from './job-json.ts';
import { JobsError } from './jobs-call.ts';

/** Limit for a terminal; `--json` prints the whole payload. */
const SHOWN_TEXT = 4000;

export interface ShowCall {
  readonly id: string;
  readonly json: boolean | undefined;
}

/** Prints all properties of one job, without credentials. Rejects with a JobsError if no job has that id. */
export async function showJob(ledger: Ledger, out: (line: string) => void, { id, json }: ShowCall): Promise<number> {
  const job = await ledger.find(id);
  if (!job) throw new JobsError(`there is no job ${inOneLine(id)}; it may be done, nexthop jobs lists the others`);
  for (const line of json ? [toJson(job)] : toLines(job)) out(line);
  return 0;
}

function toJson({ payload, ...job }: JobRecord): string {
  const shown = toJobJson({ ...job, payloadBytes: payload.length });
  return JSON.stringify(
    { ...shown, payload_base64: Buffer.from(withoutSecrets(payload)).toString('base64') },
    undefined,
    2,
  );
}

function toLines({ payload, reason, ...job }: JobRecord): readonly string[] {
  const { payload_bytes, reason: _, ...facts } = toJobJson({ ...job, reason, payloadBytes: payload.length });
  return [
    ...align([
      ...Object.entries(facts).map(([name, value]) => [name, String(value)]),
      ['payload', `${payload_bytes} bytes`],
    ]),
    ...part('reason', reason),
    ...part('payload', toText(withoutSecrets(payload))),
  ];
}

/** The text at the beginning of the payload; a dialect may append bytes. */
function toText(payload: Uint8Array): string {
  // A character that is cut at the end of the text, or a byte that is not UTF-8, becomes U+FFFD.
  const [text = ''] = Buffer.from(payload.subarray(0, SHOWN_TEXT))
    .toString('utf8')
    .split(/[^\P{C}\t\r\n]|\uFFFD/u, 1);
  const rest = payload.length - Buffer.byteLength(text);
  return rest === 0 ? text : `${text}\n… ${rest} bytes more`;
}

function part(title: string, text: string): readonly string[] {
  return text === '' ? [] : ['', title, ...text.split('\n').map((line) => `  ${inOneLine(line)}`.trimEnd())];
}

/** Headers of requests with credentials, in lower case. */
const SECRETS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);

const LINE_FEED = 0x0a;

/**
 * A copy of the payload in which each credential is replaced by its length. The first line is
 * searched if it is JSON, like that of a stored request: values under the name of a header, and
 * values after such a name in a list of names and values. All other bytes stay the same.
 */
function withoutSecrets(payload: Uint8Array): Uint8Array {
  const feed = payload.indexOf(LINE_FEED);
  const end = feed < 0 ? payload.length : feed;
  const line = hideIn(Buffer.from(payload.subarray(0, end)).toString('utf8'));
  return line === undefined ? payload : Buffer.concat([Buffer.from(line), payload.subarray(end)]);
}

/** Undefined if there is nothing to hide. */
function hideIn(line: string): string | undefined {
  let isHidden = false;
  const hide = (name: unknown, value: unknown): unknown => {
    if (typeof name !== 'string' || typeof value !== 'string' || !SECRETS.has(name.toLowerCase())) return value;
    isHidden = true;
    return `[${value.length} characters, not shown]`;
  };
  try {
    const shown: unknown = JSON.parse(line, (key, value: unknown) =>
      Array.isArray(value)
        ? value.map((each: unknown, index) => (index % 2 === 1 ? hide(value[index - 1], each) : each))
        : hide(key, value),
    );
    return isHidden ? JSON.stringify(shown) : undefined;
  } catch {
    // Not JSON: the format is known only to the function.
    return undefined;
  }
}
