import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { ConfigAnswer, ConfigCode } from './config-module.ts';

/** Evaluates the module, and answers with its default export if that is plain data. */
async function evaluate({ text, path }: ConfigCode): Promise<ConfigAnswer> {
  try {
    const module = { exports: {} as { readonly default?: unknown } };
    const run = new Function('module', 'exports', 'require', '__filename', '__dirname', text);
    run(module, module.exports, createRequire(path), path, dirname(path));
    const value = await module.exports.default;
    const mistake = value === undefined ? { path: '', kind: 'nothing' } : findMistake(value, '', []);
    return mistake ? { state: 'no-data', ...mistake } : { state: 'done', json: JSON.stringify(value) };
  } catch (error) {
    return { state: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

interface Mistake {
  /** Such as `headers[2].source`; '' for the whole value. */
  readonly path: string;
  /** Of the value there. */
  readonly kind: string;
}

/** The first part of a value that JSON does not keep. `above`: the objects that hold it. */
function findMistake(value: unknown, path: string, above: readonly object[]): Mistake | undefined {
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'boolean')
    return undefined;
  if (typeof value === 'number' && Number.isFinite(value)) return undefined;
  if (typeof value !== 'object') return { path, kind: typeof value === 'number' ? String(value) : `a ${typeof value}` };
  if (above.includes(value)) return { path, kind: 'an object that holds itself' };
  const isPlain = Array.isArray(value) || [null, Object.prototype].includes(Object.getPrototypeOf(value));
  if (!isPlain) return { path, kind: `a ${value.constructor?.name}` };
  for (const [key, member] of Object.entries(value)) {
    const place = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    const mistake = findMistake(member, place, [...above, value]);
    if (mistake) return mistake;
  }
  return undefined;
}

parentPort?.postMessage(await evaluate(workerData as ConfigCode)); // `config-module.ts` starts it
