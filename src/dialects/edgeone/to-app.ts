import type { App } from './app.ts';
import { FetchApp, type Fetcher } from './fetch-app.ts';
import { NodeApp, type NodeListener } from './node-app.ts';

/** The app that a module exports, by default or as `app`; undefined if there is none. */
export function toApp({ default: unnamed, app: named }: Readonly<Record<string, unknown>>): App | undefined {
  return recognise(unnamed) ?? recognise(named);
}

/** By what it can do, not by its class: the app may come from any copy and version of its framework. */
function recognise(value: unknown): App | undefined {
  if (isExpress(value)) return new NodeApp(value);
  if (isKoa(value)) return new NodeApp(value.callback());
  if (isFetcher(value)) return new FetchApp(value);
  return undefined;
}

/** Express 4 and 5, connect. */
function isExpress(value: unknown): value is NodeListener {
  return typeof value === 'function' && 'handle' in value && 'use' in value;
}

function isKoa(value: unknown): value is { callback(): NodeListener } {
  return isObject(value) && typeof value.callback === 'function' && Array.isArray(value.middleware);
}

function isFetcher(value: unknown): value is Fetcher {
  return isObject(value) && typeof value.fetch === 'function';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
