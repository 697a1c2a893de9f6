/** A submission of a form, as it is stored. */
export interface Submission {
  /** A ULID: sorts by the time of the submission. */
  readonly id: string;
  readonly form: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** In the order of the submission; a name may be there more than once. */
  readonly fields: readonly SubmittedField[];
  readonly files: readonly SubmittedFile[];
  readonly ip: string;
  readonly userAgent: string;
  readonly referrer: string;
  /** Origin of the site. */
  readonly siteUrl: string;
}

export type SubmittedField = readonly [name: string, value: string];

export interface SubmittedFile {
  /** Name of its field. */
  readonly field: string;
  /** As the client named it, without a path. */
  readonly name: string;
  readonly type: string;
  readonly size: number;
  /** In the storage of blobs, and in its URL. */
  readonly key: string;
}

/** Path of the URLs of uploaded files; a key and a name follow. */
export const FILES_PATH = '/.netlify/forms/files';

export function toFileUrl({ siteUrl }: Submission, { key, name }: SubmittedFile): string {
  return `${siteUrl}${FILES_PATH}/${key}/${encodeURIComponent(name)}`;
}
