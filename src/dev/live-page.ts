import { DEV_PATH } from './page-path.ts';

/** The live page of `nexthop dev`, before its script fills it. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>nexthop dev</title>
<link rel="stylesheet" href="${DEV_PATH}/page.css">
<script type="module" src="${DEV_PATH}/page.js"></script>
</head>
<body class="live">
<header>
<h1>nexthop dev</h1>
<p class="note" id="site"></p>
<p class="note" id="state" role="status"></p>
<nav aria-label="Views"></nav>
</header>
<section id="problems" aria-label="Problems of the site"></section>
<main></main>
<noscript><p>This page needs JavaScript.</p></noscript>
</body>
</html>
`;

/** How often the page asks for new requests. */
const POLL_MS = 700;

/**
 * The script of the live page. All data goes through `textContent`: targets, headers and output of
 * functions may have any text.
 */
export const PAGE_SCRIPT = `
const BASE = '${DEV_PATH}';
const $ = (selector) => document.querySelector(selector);
const state = { version: 0, generation: 0, view: 'requests', chosen: 0, filter: '', requests: new Map(), cache: [], jobs: [], awaited: new Set(), site: null };

function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (name === 'onclick' || name === 'oninput') element[name] = value;
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(3).filter((child) => child !== undefined && child !== null && child !== ''));
  return element;
}
const ms = (value) => value === undefined || value === null ? '' : value < 1 ? '<1 ms' : value < 1000 ? Math.round(value) + ' ms' : value < 60000 ? (value / 1000).toFixed(1) + ' s' : value < 3600000 ? Math.round(value / 60000) + ' min' : value < 86400000 ? Math.round(value / 3600000) + ' h' : Math.round(value / 86400000) + ' days';
const kind = (status) => !status ? 'open' : status >= 500 ? 'bad' : status >= 400 ? 'warn' : status >= 300 ? 'moved' : 'good';
const time = (at) => new Date(at).toLocaleTimeString([], { hour12: false });

async function post(action, given) {
  const answer = await fetch(BASE + '/' + action, { method: 'POST', headers: { 'X-Nexthop-Dev': '1', 'Content-Type': 'application/json' }, body: JSON.stringify(given) });
  const result = await answer.json().catch(() => ({ error: 'no answer' }));
  say(result.error || '');
  return result;
}
function say(text) { $('#state').textContent = text; }
/** Elements are made again at each change; the one with the focus keeps it by its id. */
function keepFocus(change) {
  const { id } = document.activeElement || {};
  change();
  const element = id && document.getElementById(id);
  if (element && element !== document.activeElement) element.focus({ preventScroll: true });
}

const VIEWS = { requests: 'Requests', routes: 'Routes', jobs: 'Jobs', cache: 'Cache', settings: 'Settings' };
function count(view) {
  const { site } = state;
  if (view === 'requests') return state.requests.size;
  if (view === 'cache') return state.cache.length;
  return site && site[view] ? site[view].length : 0;
}
function drawViews() {
  keepFocus(() => $('nav').replaceChildren(...Object.entries(VIEWS).map(([view, name]) =>
    h('a', { href: '#' + view, 'aria-current': view === state.view ? 'page' : undefined, id: 'view-' + view }, name, h('small', {}, String(count(view)))))));
}
function drawSite() {
  const { root, nextHop } = state.site;
  $('#site').textContent = root;
  $('#site').title = 'next hop: ' + nextHop;
  document.title = root.split(/[\\/]/).pop() + ' – nexthop dev';
}
/** The address has what is shown: #routes, #requests/4. */
function readAddress() {
  const [view, number] = location.hash.slice(1).split('/');
  state.view = Object.hasOwn(VIEWS, view) ? view : 'requests';
  state.chosen = Number(number) || 0;
}
function choose(number) { location.hash = '#requests' + (number ? '/' + number : ''); }

function reportOf(report) {
  return [
    h('p', { class: 'title' }, report.title),
    report.place ? h('p', { class: 'place' }, h('code', {}, report.place)) : '',
    report.frame.length ? h('pre', { class: 'frame' }, report.frame.map((row) => h(row.isMarked ? 'b' : 'span', {}, row.text + '\\n'))) : '',
    report.calls.length > 1 ? h('ol', { class: 'calls' }, report.calls.map((call) => h('li', {}, h('code', {}, call)))) : '',
    report.cause ? h('div', { class: 'cause' }, h('p', { class: 'note' }, 'caused by'), reportOf(report.cause)) : '',
  ];
}
function drawProblems() {
  const problems = state.site ? state.site.problems : [];
  $('#problems').replaceChildren(...problems.map(({ severity, report }) => h('details', { class: severity, open: severity === 'error' },
    h('summary', {}, h('b', {}, severity), ' ', h('code', {}, report.place), ' ', report.title),
    report.frame.length ? h('pre', { class: 'frame' }, report.frame.map((row) => h(row.isMarked ? 'b' : 'span', {}, row.text + '\\n'))) : '')));
}

function rows(pairs) { return h('table', { class: 'pairs' }, pairs.map(([name, value]) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, value)))); }
function detailOf(request) {
  if (!request) return h('aside', { class: 'empty' }, h('p', { class: 'note' }, 'Choose a request to see its headers, its timing and what its function printed.'));
  const noHeaders = request.fault ? 'Those of a page about the error, which nexthop wrote.' : request.tookMs === undefined ? 'There are none yet.' : 'They are not known.';
  const replay = h('button', { id: 'replay', disabled: !request.canBeSentAgain, title: request.canBeSentAgain ? undefined : 'its body was too long to keep, or it is a WebSocket', onclick: async () => { const result = await post('replay', { number: request.number }); if (!result.error) { say('sent again: ' + result.status); await poll(); choose(Math.max(...state.requests.keys())); } } }, 'Send again');
  return h('aside', { 'aria-label': 'Request ' + request.number },
    h('h2', {}, h('span', { class: kind(request.status) }, String(request.status || 'open')), ' ', request.method, ' ', h('code', {}, request.target)),
    h('p', { class: 'actions' }, replay, h('a', { href: '#requests', id: 'close' }, 'Close')),
    rows([
      ['route', request.route], ['answered by', request.answeredBy], ['after', request.filters.join(', ')], ['rewritten to', request.rewrittenTo], ['cache', request.cache], ['fault', request.fault], ['time', new Date(request.atMs).toISOString()],
      ['to the head', ms(request.headMs)], ['to the end', request.tookMs === undefined ? 'in progress' : ms(request.tookMs)],
      ['body', request.responseBytes + ' bytes'], ['request id', request.id],
    ].filter(([, value]) => value)),
    request.error ? h('section', { class: 'error' }, reportOf(request.error)) : '',
    request.printed.length ? h('section', {}, h('h3', {}, 'Printed'), h('pre', { class: 'printed' }, request.printed.map((line) => h('span', { class: line.level }, h('i', {}, ('+' + ms(line.afterMs)).padEnd(9)), line.text + '\\n')))) : '',
    h('h3', {}, 'Response headers'), request.responseHeaders.length ? rows(request.responseHeaders) : h('p', { class: 'note' }, noHeaders),
    h('h3', {}, 'Request headers'), rows(request.headers),
    request.body ? [h('h3', {}, 'Request body'), h('pre', {}, request.body)] : '');
}
function drawRequests() {
  const filter = state.filter.toLowerCase();
  const all = [...state.requests.values()].reverse();
  const shown = all.filter((request) => (request.method + ' ' + request.target + ' ' + request.status + ' ' + request.route + ' ' + request.answeredBy + ' ' + request.way).toLowerCase().includes(filter));
  const body = shown.map((request) => h('tr', { class: request.number === state.chosen ? 'chosen' : undefined, onclick: () => choose(request.number) },
    h('td', { class: 'note' }, time(request.atMs)), h('td', {}, request.method), h('td', { class: 'path' }, h('a', { href: '#requests/' + request.number, id: 'request-' + request.number, title: request.target, 'aria-current': request.number === state.chosen ? 'true' : undefined }, h('code', {}, request.target)), h('div', { class: 'note' }, request.answeredBy, request.isFromCache ? ' · from the cache' : '', request.way ? ' · ' + request.way : '', request.printed.length ? ' · ' + request.printed.length + ' printed' : '')),
    h('td', { class: kind(request.status) }, String(request.status || '…')), h('td', { class: 'number' }, ms(request.tookMs))));
  const list = $('#requests tbody');
  if (list) {
    keepFocus(() => list.replaceChildren(...body));
    drawEmpty(shown.length);
    return;
  }
  $('main').replaceChildren(h('div', { class: 'split' },
    h('div', { id: 'requests' },
      h('p', { class: 'bar' }, h('input', { id: 'filter', type: 'search', placeholder: 'Filter: path, status, file', 'aria-label': 'Filter', oninput: (event) => { state.filter = event.target.value; drawRequests(); } }),
        h('button', { id: 'clear', onclick: async () => { await post('clear', {}); state.requests.clear(); choose(0); draw(); } }, 'Clear')),
      h('table', { class: 'list' }, h('thead', {}, h('tr', {}, ['Time', 'Method', 'Path and what answered', 'Status', 'Took'].map((name) => h('th', { scope: 'col' }, name)))), h('tbody', {}, body)), h('p', { class: 'note pad', id: 'none' })),
    detailOf(state.requests.get(state.chosen))));
  drawEmpty(shown.length);
}
/** Only if it has changed: its text may be selected, and it may be scrolled. */
function drawDetail() {
  const request = state.requests.get(state.chosen);
  const drawn = JSON.stringify(request);
  if (!$('aside') || drawn === state.drawnDetail) return;
  state.drawnDetail = drawn;
  keepFocus(() => $('aside').replaceWith(detailOf(request)));
}
function drawEmpty(shown) {
  $('#none').textContent = shown > 0 ? '' : state.requests.size > 0 ? 'No request matches the filter.' : 'No requests yet. Open the site, and they appear here.';
}
function drawTable(heads, cells, empty) {
  $('main').replaceChildren(cells.length === 0 ? h('p', { class: 'note pad' }, empty) :
    h('table', { class: 'list' }, h('thead', {}, h('tr', {}, heads.map((name) => h('th', { scope: 'col' }, name)))), h('tbody', {}, cells.map((row) => h('tr', {}, row.map((cell, at) => h('td', { 'data-name': heads[at] }, cell)))))));
}
function lastRunOf(name) {
  const run = state.jobs.find(({ rule }) => rule === name);
  if (!run) return '';
  const styles = { done: 'good', failed: 'bad', ended: 'warn' };
  return h('div', {}, h('span', { class: styles[run.state] || 'note' }, run.state === 'started' ? 'runs…' : run.state), run.tookMs === undefined ? '' : ' after ' + ms(run.tookMs) + ', ', run.tookMs === undefined ? '' : h('span', { class: 'note' }, time(run.atMs)), run.reason ? h('div', {}, run.reason) : '', run.place ? h('div', {}, h('code', {}, run.place)) : '', run.printed.length ? h('pre', { class: 'printed' }, run.printed.map((line) => h('span', { class: line.level }, h('i', {}, time(line.atMs) + ' '), line.text + '\\n'))) : '');
}
/** Says how a job ended that was started on this page. True if a job has changed. */
function takeJobs(jobs) {
  for (const { rule, state: end, tookMs, reason } of jobs) if (end !== 'started' && state.awaited.delete(rule)) say(rule + (end === 'done' ? ' is done after ' + ms(tookMs) : end === 'failed' ? ' has failed: ' + reason : ': ' + reason));
  const isChanged = JSON.stringify(jobs) !== JSON.stringify(state.jobs);
  state.jobs = jobs;
  return isChanged;
}
function draw() {
  drawViews();
  const { site } = state;
  if (state.view === 'requests') { drawRequests(); drawDetail(); return; }
  keepFocus(() => drawView(site));
}
function drawView(site) {
  if (state.view === 'cache') return drawTable(['URL', 'Status', 'State', 'Age', 'Fresh for', 'Bytes', 'Tags', 'Target'], state.cache.map((entry) => [h('code', {}, entry.url), String(entry.status), h('span', { class: entry.freshness === 'fresh' ? 'good' : 'warn' }, entry.freshness), ms(entry.ageMs), entry.leftMs > 0 ? ms(entry.leftMs) : '', String(entry.bytes), entry.tags.join(', '), h('code', {}, entry.target)]), 'Nothing is cached. A function chooses it with Netlify-CDN-Cache-Control or CDN-Cache-Control. Each reading of the site begins with an empty cache.');
  if (!site) return;
  if (state.view === 'routes') drawTable(['Order', 'Step', 'Methods', 'Pattern', 'File', 'Platform', 'About'], site.routes.map((route, at) => [String(at + 1), String(route.step), route.methods === 'any' ? 'any' : route.methods.join(', '), h('code', {}, route.files ? route.pattern + ' (' + route.files + (route.files === 1 ? ' file)' : ' files)') : route.pattern), h('code', {}, route.file), route.dialect, route.about || '']), 'No routes: every request goes to the next hop.');
  if (state.view === 'jobs') drawTable(['Name', 'When', 'Last run', 'File', ''], site.jobs.map((job) => [h('code', {}, job.name), job.schedule || 'on request', lastRunOf(job.name), h('code', {}, job.file), job.schedule ? h('button', { id: 'run-' + job.name, 'data-rule': job.name, 'aria-label': 'Run ' + job.name + ' now', onclick: async () => { const result = await post('run', { rule: job.name }); if (!result.error) { state.awaited.add(job.name); say(job.name + ' runs'); } await poll(); } }, 'Run now') : '']), 'The site has no background or scheduled functions.');
  if (state.view === 'settings') {
    drawTable(['Setting', 'Value', 'From', 'Meaning'], site.settings.map((setting) => [h('code', {}, setting.name), h('code', {}, setting.value === '' ? '(empty)' : setting.value), h('span', { class: setting.from === 'default' ? 'note' : 'given' }, setting.from), setting.about]), '');
    if (site.variables.length) $('main').append(h('h3', { class: 'pad' }, 'Variables of the site'), h('table', { class: 'list' }, h('tbody', {}, site.variables.map(({ name, place }) => h('tr', {}, h('td', {}, h('code', {}, name)), h('td', { class: 'note' }, place))))));
  }
}

async function poll() {
  const answer = await fetch(BASE + '/requests?after=' + state.version).catch(() => null);
  if (!answer || !answer.ok) { say('nexthop dev does not answer'); return; }
  if ($('#state').textContent === 'nexthop dev does not answer') { say(''); state.version = state.generation = 0; }
  const found = await answer.json();
  if (found.version < state.version) { state.version = 0; state.requests.clear(); return; }
  state.version = found.version;
  for (const request of found.requests) state.requests.set(request.number, request);
  for (const number of [...state.requests.keys()].sort((one, other) => one - other)) if (number < found.oldest) state.requests.delete(number);
  const hasJobs = takeJobs(found.jobs) && state.view === 'jobs';
  const isNew = found.generation !== state.generation;
  if (isNew) {
    state.generation = found.generation;
    state.site = await (await fetch(BASE + '/site')).json();
    drawSite();
    drawProblems();
  }
  if (isNew || found.requests.length || state.view === 'cache') state.cache = await (await fetch(BASE + '/cache')).json();
  if (isNew || hasJobs || state.view === 'cache' || (found.requests.length && state.view === 'requests')) draw();
  else if (found.requests.length) drawViews();
}
addEventListener('hashchange', () => {
  readAddress();
  draw();
  // In a narrow window it is above the list. Elsewhere the list must not move below the pointer.
  const top = state.chosen && $('aside') ? $('aside').getBoundingClientRect().top : 0;
  if (top < 0 || top > innerHeight) $('aside').scrollIntoView();
});
addEventListener('keydown', (event) => { if (event.key === 'Escape' && state.view === 'requests' && event.target.id !== 'filter') choose(0); });
readAddress();
draw();
for (;;) {
  if (!document.hidden) await poll();
  await new Promise((resolve) => setTimeout(resolve, ${POLL_MS}));
}
`;
