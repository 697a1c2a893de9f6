import { DEV_PATH } from './page-path.ts';

/** The live page, before its script fills it. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>nexthop dev</title>
<link rel="stylesheet" href="${DEV_PATH}/page.css">
<script type="module" src="${DEV_PATH}/page.js"></script>
</head>
<body class="live">
<header>
<h1>nexthop dev</h1>
<nav role="tablist" aria-label="Views"></nav>
<p class="note" id="state" role="status"></p>
</header>
<section id="problems" aria-label="Problems of the site"></section>
<main></main>
<noscript><p>This page needs JavaScript.</p></noscript>
</body>
</html>
`;
