const ASSIGNED = /\bexports\s*(?:\.\s*([\w$]+)|\[\s*["']([^"']+)["']\s*\])\s*=(?!=)/g;
const DEFINED = /\bdefineProperty\(\s*(?:module\.)?exports\s*,\s*["']([^"']+)["']/g;
const WHOLE = /\bmodule\s*\.\s*exports\s*=(?!=)/;
/** A key of an object literal, written out, short or as a method. */
const KEY = /[{,]\s*(?:async\s+)?["']?([\w$]+)["']?\s*(?=[,:(}])/g;

/**
 * The names that a CommonJS file may export, read from its text: CommonJS has no list of them. Rather too many than too few; what is
 * really exported shows when the file is loaded.
 */
export function namesInCommonJs(text: string): Set<string> {
  const names = new Set<string>();
  collect(names, text, ASSIGNED);
  collect(names, text, DEFINED);
  if (WHOLE.test(text)) {
    names.add('default');
    collect(names, text, KEY);
  }
  return names;
}

function collect(names: Set<string>, text: string, pattern: RegExp): void {
  for (const [, first, second] of text.matchAll(pattern)) {
    const name = first ?? second;
    if (name !== undefined) names.add(name);
  }
}
