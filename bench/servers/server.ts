import type { Command } from '../child.ts';
import type { Scenario } from '../scenarios.ts';

/** A server under test. */
export interface Server {
  readonly name: string;
  readonly families: readonly Scenario['family'][];
  /** Whether it writes an access log line for each request. */
  readonly logs: boolean;
  /** What is measured, e.g. `1.22.1`; or, if it is not there, what is to be done about it. */
  find(): Found;
  /** Writes what it needs into the place's folder, and says how to start it. */
  prepare(place: Location): Promise<Command>;
}

export type Found = { readonly version: string } | { readonly missing: string };

export interface Location {
  /** To listen on, at 127.0.0.1. */
  readonly port: number;
  readonly originPort: number;
  /** Empty, and removed after the measure. */
  readonly folder: string;
}
