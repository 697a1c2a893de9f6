/** The sum of all samples of a metric in the text of a scrape whose labels include these. */
export function metricValue(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  let sum = 0;
  for (const line of text.split('\n')) {
    const [, sampled, given = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (sampled === name && wanted.every((each) => given.includes(each))) sum += Number(value);
  }
  return sum;
}
