import type { Dialect } from '../contract/dialect.ts';
import { overlayAnswer } from '../http/overlay-response.ts';

/** Adds the fields of `server.headers` to every answer, as `astro preview` promises. Without any it says nothing. */
export function previewHeaders(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Dialect {
  const fields = Object.entries(headers).flatMap(([name, values]) =>
    [values ?? []].flat().map((value) => [name, value] as const),
  );
  const name = 'server.headers';
  return {
    name,
    looksFor: '',
    async read() {
      if (fields.length === 0) return { routes: [], ignored: [], problems: [] };
      const target = {
        name,
        async answer(exchange: Parameters<typeof overlayAnswer>[0]) {
          overlayAnswer(exchange, { fields });
          return 'passed' as const;
        },
      };
      const pattern = { text: '/*', segments: [{ kind: 'catch-all', name: 'path', orNone: true }] } as const;
      return {
        routes: [{ pattern, methods: 'any', target, step: 1, dialect: name, file: 'astro.config' }],
        ignored: [],
        problems: [],
      };
    },
  };
}
