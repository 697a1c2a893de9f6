import { spawn } from 'node:child_process';

/** A program that ends later with an error is the browser itself. */
const OPENING_MS = 10_000;

/** Opens a URL in the browser of this machine. `report` gets a line if that does not work. */
export function openInBrowser(url: string, report: (line: string) => void): void {
  const [program = '', ...words] = COMMANDS[process.platform] ?? ['xdg-open'];
  const startedAtMs = performance.now();
  const child = spawn(program, [...words, url], { stdio: 'ignore', detached: true });
  child.on('error', ({ code }: NodeJS.ErrnoException) =>
    report(
      `no browser was opened: ${program} ${code === 'ENOENT' ? 'is not installed' : `fails (${code})`}; open ${url}`,
    ),
  );
  child.on('exit', (code) => {
    if (code && performance.now() - startedAtMs < OPENING_MS)
      report(`no browser was opened: ${program} ended with exit code ${code}; open ${url}`);
  });
  child.unref();
}

const COMMANDS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};
