import type { Exchange } from '../../../contract/exchange.ts';

/** The value of a cookie of the request, without quotes; '' without that cookie. The first that has a value counts. */
export function cookieValue({ request }: Exchange, name: string): string {
  const header = request.get('cookie') ?? '';
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    const value = pair.slice(equals + 1).trim();
    const bare = value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    if (bare !== '') return bare;
  }
  return '';
}
