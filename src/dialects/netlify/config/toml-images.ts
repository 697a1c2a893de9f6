import { isTable } from './config-values.ts';
import type { FoundValue } from './toml-locations.ts';
import type { TomlProblems } from './toml-problems.ts';

/**
 * Reads `remote_images` of the table `[images]`: expressions, sticky, that match URLs of images on other hosts. Reports and
 * omits what is no regular expression.
 */
export function toRemoteImages({ path, value: images }: FoundValue, problems: TomlProblems): readonly RegExp[] {
  const { remote_images: value = [] } = isTable(images) ? images : {};
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  return texts.flatMap((text, index) => {
    const at = [...path, 'remote_images', index];
    try {
      if (typeof text === 'string') return [toPattern(text)];
      problems.add(at, `must be a regular expression, got ${JSON.stringify(text)}; it is not used`);
    } catch (error) {
      // The constructor throws for nothing else.
      problems.add(at, `is not used: ${error instanceof Error ? error.message : error}`);
    }
    return [];
  });
}

/**
 * The expression for a URL. In what is written for the host `.*` ends at the next slash: else `https://.*\\.example/` would allow
 * `https://evil.test/x.example/`, too.
 */
export function toPattern(text: string): RegExp {
  const [, start = '', host = ''] = /^(\^?(?:https?\??:(?:\\?\/){2})?)((?:\\[^/]|[^\\/])*)/.exec(text) ?? [];
  const rest = text.slice(start.length + host.length);
  return new RegExp(start + host.replaceAll(/(?<!\\)\.(?=[*+?{])/g, '[^/]') + rest, 'y');
}
