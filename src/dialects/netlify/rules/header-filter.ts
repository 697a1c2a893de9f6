import type { AskedRequest, Effect } from '../../../contract/effect.ts';
import type { Exchange } from '../../../contract/exchange.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { overlayAnswer } from '../../../http/overlay-response.ts';
import { BASIC_AUTH, type HeaderRule } from '../config/header-rule.ts';
import { PathGlob } from './path-glob.ts';

type Field = readonly [name: string, value: string];

/** Paths whose headers are kept. A client may send any path to a site whose rule answers all paths. */
const KEPT_PATHS = 1000;

/** Longer paths are compared with the rules each time. */
const KEPT_LENGTH = 512;

/**
 * Adds the headers of all rules that match the path of the request, if a file of the
 * site answers. Of rules that name the same header the last one counts. The result is kept for the
 * next request with this path. Always passes.
 */
export class HeaderFilter implements Target {
  readonly name: string;
  readonly isOwn = true;
  readonly #rules: readonly { readonly glob: PathGlob; readonly values: HeaderRule['values'] }[];
  readonly #kept = new Map<string, readonly Field[]>();

  constructor(rules: readonly HeaderRule[]) {
    this.name = rules[0]?.file ?? '';
    this.#rules = rules.map(({ path, values }) => ({ glob: new PathGlob(path), values }));
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    // The rules are compared when the head of a file is written, and for no other response.
    const fields = () => this.#fieldsFor(exchange.askedTarget)[Symbol.iterator]();
    overlayAnswer(exchange, { headers: { [Symbol.iterator]: fields }, appliesTo: isFile });
    return 'passed';
  }

  describe({ target }: AskedRequest): Effect | undefined {
    const names = this.#fieldsFor(target).map(([name]) => name);
    return names.length === 0 ? undefined : { text: `adds ${names.join(', ')} to files`, outcome: 'passes' };
  }

  #fieldsFor(target: string): readonly Field[] {
    const [path = ''] = target.split('?', 1);
    const known = this.#kept.get(path);
    if (known) return known;
    const fields = this.#compare(decode(path));
    if (path.length > KEPT_LENGTH) return fields;
    if (this.#kept.size >= KEPT_PATHS) this.#kept.clear();
    this.#kept.set(path, fields);
    return fields;
  }

  #compare(path: string): readonly Field[] {
    const found = new Map<string, Field>();
    for (const { glob, values } of this.#rules) {
      if (!glob.matches(path, false)) continue;
      for (const [key, field] of values) if (key !== BASIC_AUTH) found.set(key, field);
    }
    return [...found.values()];
  }
}

function isFile({ isFile: answers }: Exchange): boolean {
  return answers;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // A page for what the site does not have may answer any path.
    return path;
  }
}
