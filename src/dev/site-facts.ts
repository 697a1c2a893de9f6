import type { ErrorReport } from './error-report.ts';

/** What the live page shows about the site. */
export interface SiteFacts {
  /** Absolute path. */
  readonly root: string;
  readonly nextHop: string;
  /** In the order in which they are tried. */
  readonly routes: readonly {
    readonly methods: readonly string[] | 'any';
    readonly pattern: string;
    readonly file: string;
    readonly dialect: string;
    readonly step: number;
    readonly about?: string;
    /** The number of files in a folder. */
    readonly files?: number;
  }[];
  readonly jobs: readonly { readonly name: string; readonly file: string; readonly schedule?: string }[];
  readonly problems: readonly { readonly severity: 'error' | 'warning'; readonly report: ErrorReport }[];
  readonly settings: readonly SettingFact[];
  /** Variables of the site's `.env`; their values may be secrets. */
  readonly variables: readonly { readonly name: string; readonly place: string }[];
}

export interface SettingFact {
  readonly name: string;
  readonly value: string;
  readonly from: string;
  readonly about: string;
}
