import type { ListedBlob } from '../../contract/blob-storage.ts';

/** A page of ListObjectsV2. Keys and prefixes are whole: they begin with the root. */
export interface ObjectPage {
  readonly objects: readonly ListedBlob[];
  readonly prefixes: readonly string[];
  /** Undefined on the last page. */
  readonly token?: string;
}

/**
 * Reads a ListBucketResult. The documents have no attributes that matter, no CDATA and no nested
 * elements of the same name, so that no parser is needed.
 */
export function readObjectPage(xml: string): ObjectPage {
  const isEncoded = textOf(xml, 'EncodingType') === 'url';
  const toName = (text: string): string => (isEncoded ? decodeURIComponent(text.replaceAll('+', '%20')) : text);
  const objects = elementsOf(xml, 'Contents').map((element) => ({
    key: toName(textOf(element, 'Key')),
    etag: textOf(element, 'ETag'),
    size: Number(textOf(element, 'Size')),
    modifiedAtMs: Date.parse(textOf(element, 'LastModified')),
  }));
  const prefixes = elementsOf(xml, 'CommonPrefixes').map((element) => toName(textOf(element, 'Prefix')));
  const token = textOf(xml, 'IsTruncated') === 'true' ? textOf(xml, 'NextContinuationToken') : '';
  return token === '' ? { objects, prefixes } : { objects, prefixes, token };
}

/** The code and the message of an error document. */
export function readErrorText(xml: string): string {
  return [textOf(xml, 'Code'), textOf(xml, 'Message')].filter(Boolean).join(': ');
}

function elementsOf(xml: string, name: string): readonly string[] {
  return Array.from(xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs')), ([, content = '']) => content);
}

function textOf(xml: string, name: string): string {
  const [, content = ''] = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml) ?? [];
  return content.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (entity, decimal, hex, named) => {
    if (named !== undefined) return ENTITIES[named] ?? entity;
    return String.fromCodePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal));
  });
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
