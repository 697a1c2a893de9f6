import { spawn } from 'node:child_process';

/** Opens a URL in the browser of this machine. Does nothing where there is none. */
export function openInBrowser(url: string): void {
  const [program = '', ...words] = COMMANDS[process.platform] ?? ['xdg-open'];
  const child = spawn(program, [...words, url], { stdio: 'ignore', detached: true });
  // Not installed: the URL is on the terminal.
  child.on('error', () => undefined);
  child.unref();
}

const COMMANDS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};
