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
`;
