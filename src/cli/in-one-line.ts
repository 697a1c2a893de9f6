/** Names of files and messages of errors may hold anything, also what a terminal obeys. */
export function inOneLine(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ').replaceAll(/\p{Cc}/gu, escapeControl);
}

function escapeControl(control: string): string {
  return `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
