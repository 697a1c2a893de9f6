/** Styles of the pages of `nexthop dev`: fonts and colours of the system, light and dark. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --bg: #fff; --fg: #1b1f24; --soft: #626b76; --line: #e3e6ea; --box: #f6f7f9; --red: #c22; --amber: #96690a; --green: #18794e; --blue: #0b68cb; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171a; --fg: #e6e9ec; --soft: #98a2ad; --line: #2a2f35; --box: #1c2024; --red: #ff7b72; --amber: #e3b341; --green: #57c785; --blue: #6cb6ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 14px/1.5 system-ui, sans-serif; }
code, pre, .mono { font: 12.5px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { margin: 0; overflow-x: auto; white-space: pre; }
a { color: var(--blue); }
.note, .tag { color: var(--soft); }
.fault { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.5rem; }
.fault h1 { font-size: 1.35rem; line-height: 1.35; margin: .4rem 0 .8rem; overflow-wrap: anywhere; }
.fault section { border-left: 3px solid var(--line); padding-left: 1rem; margin-top: 1.5rem; }
.fault .note { margin-top: 2rem; }
.place code { color: var(--red); font-weight: 600; }
.frame { background: var(--box); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; color: var(--soft); }
.frame b { color: var(--red); }
.calls { margin: 1rem 0; padding-left: 1.4rem; color: var(--soft); }
button { font: inherit; color: inherit; background: var(--box); border: 1px solid var(--line); border-radius: 6px; padding: .25rem .7rem; cursor: pointer; }
button:hover:enabled { border-color: var(--soft); }
button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 2px solid var(--blue); outline-offset: 1px; }
.live header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .2rem 1rem; padding: .8rem 1.25rem 0; border-bottom: 1px solid var(--line); }
.live h1 { font-size: 1rem; margin: 0; }
#site, #state { margin: 0; overflow-wrap: anywhere; }
#state { margin-left: auto; color: var(--fg); }
nav { display: flex; flex-wrap: wrap; flex-basis: 100%; margin-left: -.7rem; }
nav a { padding: .4rem .7rem .5rem; color: var(--soft); text-decoration: none; border-bottom: 2px solid transparent; }
nav a:hover { color: var(--fg); }
nav a[aria-current] { color: var(--fg); border-color: var(--blue); }
nav small { margin-left: .4rem; color: var(--soft); }
#problems details { border-bottom: 1px solid var(--line); padding: .5rem 1.25rem; overflow-wrap: anywhere; }
#problems .error summary b { color: var(--red); }
#problems .warning summary b { color: var(--amber); }
#problems .frame { margin: .5rem 0; }
table { border-collapse: collapse; width: 100%; }
.list th { text-align: left; font-weight: 500; color: var(--soft); }
.list th, .list td { padding: .3rem .75rem; border-bottom: 1px solid var(--line); vertical-align: baseline; }
.list th:first-child, .list td:first-child { padding-left: 1.25rem; }
#requests tbody tr { cursor: pointer; }
#requests tbody tr:hover, #requests tr.chosen { background: var(--box); }
#requests tr.chosen td:first-child { box-shadow: inset 3px 0 var(--blue); }
#requests td a { color: inherit; text-decoration: none; }
#requests td a:hover { text-decoration: underline; }
.actions { display: flex; gap: 1rem; align-items: baseline; }
.given { white-space: nowrap; }
aside.empty { padding-top: 2rem; }
.path { width: 100%; max-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .path .note { white-space: normal; overflow-wrap: anywhere; }
.number { text-align: right; white-space: nowrap; }
.good { color: var(--green); } .moved { color: var(--blue); } .warn { color: var(--amber); } .bad { color: var(--red); }
.split { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); min-height: 80vh; }
.bar { display: flex; gap: .5rem; padding: .75rem 1.25rem; margin: 0; }
.bar input { flex: 1; font: inherit; color: inherit; background: var(--bg); border: 1px solid var(--line); border-radius: 6px; padding: .25rem .6rem; }
aside { border-left: 1px solid var(--line); padding: 1rem 1.25rem; overflow: auto; overflow-wrap: anywhere; position: sticky; top: 0; max-height: 100vh; scrollbar-width: thin; align-self: start; min-height: 80vh; }
aside h2 { font-size: 1rem; margin: 0 0 .6rem; } aside h3, h3.pad { font-size: .85rem; color: var(--soft); margin: 1.2rem 0 .3rem; }
.pad { padding: 1rem 1.25rem 0; }
.pairs th { text-align: left; font-weight: 400; color: var(--soft); width: 11rem; vertical-align: top; padding: .1rem .8rem .1rem 0; }
.pairs td { font: 12.5px/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.error .title { font-weight: 600; color: var(--red); margin: 1rem 0 .2rem; } .error .place { margin: 0 0 .5rem; }
.cause { border-left: 3px solid var(--line); padding-left: .9rem; margin-top: 1rem; }
.printed { background: var(--box); border-radius: 8px; padding: .6rem .8rem; white-space: pre-wrap; } .printed i { color: var(--soft); font-style: normal; }
.printed .error { color: var(--red); } .printed .warn { color: var(--amber); }
.given { color: var(--blue); }
@media (max-width: 60rem) { .split { grid-template-columns: minmax(0, 1fr); min-height: 0; } aside { border-left: 0; border-bottom: 1px solid var(--line); order: -1; position: static; max-height: none; min-height: 0; } aside.empty { display: none; } }
@media (max-width: 45rem) {
  #requests th:first-child, #requests td:first-child, .list:has(td[data-name]) thead { display: none; }
  .list td[data-name] { display: grid; grid-template-columns: 6rem minmax(0, 1fr); border: 0; padding: .1rem 1.25rem; overflow-wrap: anywhere; }
  .list td[data-name]:empty, .list td[data-name='']:empty { display: none; }
  .list td[data-name]::before { content: attr(data-name); color: var(--soft); }
  .list tr:has(td[data-name]) { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  .list th, .list td { padding-left: .5rem; padding-right: .5rem; }
  #requests .list tr > :nth-child(2) { padding-left: 1.25rem; }
  .pairs th { width: 8rem; }
  .list td[data-name] button { justify-self: start; }
}
`;
