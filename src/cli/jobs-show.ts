import type { JobRecord, Ledger } from '../contract/store.ts';
import { align } from './align.ts';
import { inOneLine } from './in-one-line.ts';
import { toJobJson } from './job-json.ts';
import { withoutSecrets } from './without-secrets.ts';

/** More is no reading for a terminal; `--json` has all of it. */
const SHOWN_TEXT = 4000;

export interface ShowCall {
  readonly id: string;
  readonly json: boolean | undefined;
}

/** Prints all there is to know of one job, but for what lets somebody in. Resolves with 1 if there is none of that id. */
export async function showJob(ledger: Ledger, out: (line: string) => void, { id, json }: ShowCall): Promise<number> {
  const job = await ledger.find(id);
  if (!job) {
    out(`there is no job ${inOneLine(id)}; it may be done, nexthop jobs lists the others`);
    return 1;
  }
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

/** What of it begins as text; a dialect may put bytes behind. */
function toText(payload: Uint8Array): string {
  // A character that is cut in two at the end of the bytes looked at, or what is no text at all, becomes U+FFFD.
  const [text = ''] = Buffer.from(payload.subarray(0, SHOWN_TEXT))
    .toString('utf8')
    .split(/[^\P{C}\t\r\n]|\uFFFD/u, 1);
  const rest = payload.length - Buffer.byteLength(text);
  return rest === 0 ? text : `${text}\n… ${rest} bytes more`;
}

function part(title: string, text: string): readonly string[] {
  return text === '' ? [] : ['', title, ...text.split('\n').map((line) => `  ${inOneLine(line)}`.trimEnd())];
}
