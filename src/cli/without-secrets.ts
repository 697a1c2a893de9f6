/** Fields of requests whose values let somebody in, in lower case. */
const SECRETS: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);

const LINE_FEED = 0x0a;

/**
 * What a job carries, with the length in the place of each value that lets somebody in. Looked for in the first line, if that is JSON, as that of a stored request is:
 * under a field's name, and behind one in a list of names and values. What has none, and what comes behind, stays as it is.
 */
export function withoutSecrets(payload: Uint8Array): Uint8Array {
  const feed = payload.indexOf(LINE_FEED);
  const end = feed < 0 ? payload.length : feed;
  const line = hideIn(Buffer.from(payload.subarray(0, end)).toString('utf8'));
  return line === undefined ? payload : Buffer.concat([Buffer.from(line), payload.subarray(end)]);
}

/** Undefined when there is nothing to hide. */
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
    // No JSON: what it is only its function knows.
    return undefined;
  }
}
