import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import type { Problem } from '../contract/problem.ts';

/** A large project takes this long on a slow machine. */
const LIMIT_MS = 300_000;

const MISTAKE = /^(.+?)\((\d+),(\d+)\): error TS(\d+): (.*)$/;

/**
 * The errors of the site's own TypeScript. None if the site has no `tsconfig.json`, or has not
 * installed `typescript`. `known`: problems of the site; what TypeScript says of the same mistakes is left out. Never rejects.
 */
export async function checkTypes(root: string, known: readonly Problem[]): Promise<readonly Problem[]> {
  const program = existsSync(join(root, 'tsconfig.json')) ? findCompiler(root) : undefined;
  if (program === undefined) return [];
  const text = await run(program, root);
  return text.split('\n').flatMap((line): readonly Problem[] => {
    const [, file = '', row, column, code = '', message] = MISTAKE.exec(line) ?? [];
    if (message !== undefined) {
      const place = { file: relative(root, resolve(root, file)), line: Number(row), column: Number(column) };
      return isKnown(place, code, known) ? [] : [{ severity: 'error', ...place, message }];
    }
    // A mistake in the settings has no place.
    const [, general] = /^error TS\d+: (.*)$/.exec(line) ?? [];
    return general === undefined ? [] : [{ severity: 'error', file: 'tsconfig.json', message: general }];
  });
}

/** Numbers of errors of syntax, of which one mistake may cause several. */
const SYNTAX = /^1\d{3}$/;

/** Whether the compiler of the functions has reported an error there; of a file that it cannot parse, it reports the first. */
function isKnown({ file, line }: Pick<Problem, 'file' | 'line'>, code: string, known: readonly Problem[]): boolean {
  return known.some((each) => {
    return each.severity === 'error' && each.file === file && (SYNTAX.test(code) || each.line === line);
  });
}

function findCompiler(root: string): string | undefined {
  try {
    const require = createRequire(join(root, 'package.json'));
    const manifest = require.resolve('typescript/package.json');
    return resolve(dirname(manifest), require(manifest).bin.tsc);
  } catch {
    // It is not installed, or not as npm installs it.
    return undefined;
  }
}

/** Resolves with what the compiler prints, also if it finds errors. */
function run(program: string, root: string): Promise<string> {
  const args = [program, '--noEmit', '--pretty', 'false', '-p', root];
  return new Promise((done) => {
    const options = { cwd: root, timeout: LIMIT_MS, maxBuffer: 64 * 2 ** 20 };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      const isRun = !error || stdout !== '';
      done(isRun ? stdout : `error TS0: the types could not be checked: ${stderr.trim().split('\n').at(-1) || error}`);
    });
  });
}
