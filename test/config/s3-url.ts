import test from 'ava';
import { readConfig } from '../../src/config/config.ts';
import { s3Url } from '../../src/config/s3-url.ts';

test('a URL of a bucket has key, secret, bucket, prefix and region', (t) => {
  t.is(s3Url(''), undefined);
  t.deepEqual(s3Url('https://key:se%2Fcret@s3.eu-central-1.amazonaws.com/bucket/a/b/?region=eu-central-1'), {
    origin: 'https://s3.eu-central-1.amazonaws.com',
    bucket: 'bucket',
    prefix: 'a/b',
    region: 'eu-central-1',
    accessKeyId: 'key',
    secretAccessKey: 'se/cret',
  });
  t.like(s3Url('http://key:secret@localhost:9000/bucket'), {
    origin: 'http://localhost:9000',
    prefix: '',
    region: 'us-east-1',
  });
});

test('a URL without login or bucket is refused, and no secret is printed', (t) => {
  for (const text of [
    'nonsense',
    'ftp://a:b@host/bucket',
    'https://host/bucket',
    'https://a:b@host',
    'https://a:b%@host/bucket',
  ]) {
    const error = t.throws(() => readConfig({ env: { BLOBS_S3: text } }));
    t.regex(error.message, /BLOBS_S3 must be a URL/, text);
    t.notRegex(error.message, /a:b@host\/bucket"$/);
  }
});
