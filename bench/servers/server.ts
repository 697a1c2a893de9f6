import type { Command } from '../child.ts';
import type { Scenario } from '../scenarios.ts';

/** A server under test. */
export interface Server {
  readonly name: string;
  readonly families: readonly Scenario['family'][];
  /** Whether it writes an access log line for each request. */
  readonly logs: boolean;
  /** The installed version, e.g. `1.22.1`, or the command that installs it. */
  find(): Found;
  /** Writes the server's files into the folder. Resolves with the command that starts it. */
  prepare(location: Location): Promise<Command>;
}

export type Found = { readonly version: string } | { readonly missing: string };

export interface Location {
  /** The port to listen on, at 127.0.0.1. */
  readonly port: number;
  readonly originPort: number;
  /** An empty folder, which is removed after the measurement. */
  readonly folder: string;
  /** Of what is measured. */
  readonly family: Scenario['family'];
}
