/** One line with a value. */
const SAMPLE =
  /^([a-z_][a-z0-9_]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,(?!\}))?)*\})? ([\d.e+-]+|\+Inf)( # \{trace_id="[\da-f]{32}"\} [\d.e-]+ \d+\.\d{3})?$/;

const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_count', '_sum'],
};

/** What is wrong with a text in OpenMetrics 1.0, by its grammar and its rules for families, as far as nexthop uses them. */
export function findOpenMetricsMistakes(text: string): string[] {
  const mistakes: string[] = [];
  if (!text.endsWith('\n# EOF\n')) mistakes.push('the text does not end with # EOF');
  const seen = new Set<string>();
  const families = new Set<string>();
  let family = '';
  let kind = '';
  let bucket = { labels: '', count: 0 };
  for (const line of text.split('\n').slice(0, -2)) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      if (families.has(name)) mistakes.push(`${name} has two families`);
      families.add(name);
      family = name;
    } else if (keyword === 'TYPE') {
      kind = rest;
      if (name !== family || !SUFFIXES[kind]) mistakes.push(line);
      if (kind === 'counter' && name.endsWith('_total'))
        mistakes.push(`the family of a counter ends with _total: ${line}`);
    } else {
      const [, sampled = '', labels = '', value = '', exemplar] = SAMPLE.exec(line) ?? [];
      const suffix = SUFFIXES[kind]?.find((each) => sampled === family + each);
      if (suffix === undefined || seen.has(sampled + labels)) mistakes.push(line);
      if (exemplar && suffix !== '_bucket') mistakes.push(`an exemplar: ${line}`);
      seen.add(sampled + labels);
      if (suffix === '_bucket') {
        const others = labels.replace(/,?le="[^"]+"\}$/, '');
        const count = Number(value);
        if (others === bucket.labels && count < bucket.count) mistakes.push(`not cumulative: ${line}`);
        bucket = { labels: others, count };
      }
      if (suffix === '_count' && Number(value) !== bucket.count) mistakes.push(`not the last bucket: ${line}`);
    }
  }
  return mistakes;
}
