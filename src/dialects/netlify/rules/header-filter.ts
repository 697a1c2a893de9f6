import type { Exchange } from '../../../contract/exchange.ts';
import type { Outcome, Target } from '../../../contract/target.ts';
import { overlayAnswer } from '../../../http/overlay-response.ts';
import { BASIC_AUTH, type HeaderRule } from '../config/header-rule.ts';
import { PathGlob } from './path-glob.ts';

type Field = readonly [name: string, value: string];

/**
 * Adds the headers of all rules that match the path of the request, if a file of the
 * site answers. Of rules that name the same header the last one counts. Always passes.
 */
export class HeaderFilter implements Target {
  readonly name: string;
  readonly #rules: readonly { readonly glob: PathGlob; readonly values: HeaderRule['values'] }[];

  constructor(rules: readonly HeaderRule[]) {
    this.name = rules[0]?.file ?? '';
    this.#rules = rules.map(({ path, values }) => ({ glob: new PathGlob(path), values }));
  }

  async answer(exchange: Exchange): Promise<Outcome> {
    // The rules are compared when the head of a file is written, and for no other response.
    overlayAnswer(exchange, { headers: { [Symbol.iterator]: () => this.#fieldsFor(exchange) }, appliesTo: isFile });
    return 'passed';
  }

  #fieldsFor({ askedTarget }: Exchange): Iterator<Field> {
    const path = decode(askedTarget.split('?', 1)[0] ?? '');
    const found = new Map<string, Field>();
    for (const { glob, values } of this.#rules) {
      if (!glob.matches(path, false)) continue;
      for (const [key, field] of values) if (key !== BASIC_AUTH) found.set(key, field);
    }
    return found.values();
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
