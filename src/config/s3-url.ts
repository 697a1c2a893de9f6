import { Unfit } from './setting.ts';

/** A bucket of S3, or of a server that speaks its protocol. */
export interface S3Bucket {
  /** Scheme, host and port, e.g. `https://s3.eu-central-1.amazonaws.com`. */
  readonly origin: string;
  readonly bucket: string;
  /** Before every key, without slashes at its ends; '' for none. */
  readonly prefix: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * Reads `https://key:secret@host/bucket/prefix?region=eu-central-1`; '' for none. Key, secret and
 * prefix are percent-encoded. Throws an `Unfit`.
 */
export function s3Url(text: string): S3Bucket | undefined {
  if (text === '') return undefined;
  const url = URL.parse(text);
  const [bucket = '', ...prefix] = url?.pathname.replace(/^\/|\/+$/g, '').split('/') ?? [];
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (!url || !isHttp || url.username === '' || url.password === '' || bucket === '' || url.hash !== '') {
    throw new Unfit(
      'a URL such as "https://key:secret@s3.eu-central-1.amazonaws.com/bucket/prefix?region=eu-central-1"',
    );
  }
  try {
    return {
      origin: url.origin,
      bucket,
      prefix: decodeURIComponent(prefix.join('/')),
      region: url.searchParams.get('region') || 'us-east-1',
      accessKeyId: decodeURIComponent(url.username),
      secretAccessKey: decodeURIComponent(url.password),
    };
  } catch {
    throw new Unfit('a URL whose key, secret and prefix are percent-encoded: write "%25" for "%"');
  }
}
