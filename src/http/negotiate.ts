/**
 * The media type of `offers` that an Accept header prefers (RFC 9110 12.5.1): highest q-value
 * first, then exact types before wildcards, then the order of the header, then the order of the
 * offers. The first offer if the header accepts none.
 */
export function negotiate<const T extends string>(accept: string, offers: readonly [T, ...T[]]): T {
  const ranges = accept.toLowerCase().split(',').map(toRange);
  let best: { offer: T; range: Range } | undefined;
  for (const offer of offers) {
    const range = rangeFor(offer, ranges);
    if (range && range.quality > 0 && (!best || isPreferred(range, best.range))) best = { offer, range };
  }
  return best ? best.offer : offers[0];
}

interface Range {
  // `text/html`, `text/*` or `*/*`.
  readonly type: string;
  readonly quality: number;
  readonly position: number;
}

function toRange(text: string, position: number): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  const quality = weight === undefined ? 1 : Number(weight.slice(2));
  // An invalid weight counts as 0, so the type is not sent because of it.
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0, position };
}

// The most specific range decides, so that `text/html;q=0, */*` excludes HTML.
function rangeFor(offer: string, ranges: readonly Range[]): Range | undefined {
  const family = `${offer.slice(0, offer.indexOf('/'))}/*`;
  return (
    ranges.find(({ type }) => type === offer) ??
    ranges.find(({ type }) => type === family) ??
    ranges.find(({ type }) => type === '*/*')
  );
}

function isPreferred(range: Range, than: Range): boolean {
  if (range.quality !== than.quality) return range.quality > than.quality;
  const exact = !range.type.endsWith('*');
  if (exact !== !than.type.endsWith('*')) return exact;
  return range.position < than.position;
}
