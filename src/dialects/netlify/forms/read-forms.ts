import { readFile, stat } from 'node:fs/promises';
import type { Problem } from '../../../contract/problem.ts';
import type { SitePage } from '../../../contract/site-files.ts';
import type { Form, FormField, FormPlace } from './form.ts';
import type { PageForm } from './page-forms.ts';

export interface FoundForms {
  readonly forms: readonly Form[];
  readonly problems: readonly Problem[];
}

/** Pages that are read at a time. */
const AT_ONCE = 16;

/** Larger files are no pages that a person writes a form into. */
const MAX_PAGE_BYTES = 4 * 1024 ** 2;

/**
 * Finds the forms that the pages of a site declare for the platform. The parser is loaded with the
 * first page that may have one. Never rejects.
 */
export async function readForms(pages: readonly SitePage[]): Promise<FoundForms> {
  const found = new Map<SitePage, readonly PageForm[]>();
  const waiting = pages.values();
  const readNext = async (): Promise<void> => {
    for (const page of waiting) found.set(page, await readPage(page));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, readNext));
  return merge(pages.flatMap((page) => found.get(page) ?? []));
}

async function readPage(page: SitePage): Promise<readonly PageForm[]> {
  try {
    if ((await stat(page.realPath)).size > MAX_PAGE_BYTES) return [];
    const bytes = await readFile(page.realPath);
    if (!bytes.includes('netlify') || !bytes.includes('<form') || !DECLARED.test(bytes.toString('latin1'))) return [];
    const { readPageForms } = await import('./page-forms.ts');
    return readPageForms(bytes.toString(), page);
  } catch {
    // It is gone since the site was listed, or not readable; static files report that.
    return [];
  }
}

/** Most pages that name the platform have no form for it. */
const DECLARED = /<form\s[^>]*\bnetlify/i;

interface Draft {
  readonly name: string;
  readonly fields: Map<string, FormField>;
  readonly honeypots: Set<string>;
  hasChallenge: boolean;
  readonly places: FormPlace[];
}

function merge(found: readonly PageForm[]): FoundForms {
  const drafts = new Map<string, Draft>();
  const problems: Problem[] = [];
  for (const { name, fields, honeypot, hasChallenge, place } of found) {
    if (name === '') {
      const message = 'has a form with the attribute netlify and without a name: it is not used';
      problems.push({ severity: 'warning', file: place.file, message });
      continue;
    }
    const draft = drafts.get(name) ?? createDraft(name);
    drafts.set(name, draft);
    for (const field of fields) if (!draft.fields.has(field.name)) draft.fields.set(field.name, field);
    if (honeypot) draft.honeypots.add(honeypot);
    draft.hasChallenge ||= hasChallenge;
    draft.places.push(place);
  }
  return { forms: [...drafts.values()], problems };
}

function createDraft(name: string): Draft {
  return { name, fields: new Map(), honeypots: new Set(), hasChallenge: false, places: [] };
}
