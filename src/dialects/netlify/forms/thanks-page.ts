import { escapeHtml } from '../../../http/escape-html.ts';

/** The page for a form that has no own thank-you page. It links to the page of the form if that is on the same host. */
export function toThanksPage(referrer: string, host: string): string {
  const from = URL.parse(referrer);
  // Two slashes at its beginning would lead to another host.
  const back = from?.host === host.toLowerCase() ? `${from.pathname.replace(/^\/+/, '/')}${from.search}` : '/';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Thank you</title>
<h1>Thank you</h1>
<p>Your form was submitted.</p>
<p><a href="${escapeHtml(back)}">Back to the site</a></p>
</html>
`;
}
