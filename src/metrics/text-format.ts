import type { Exemplar, MetricFamily, MetricSeries } from '../contract/metrics.ts';

/** The text format of Prometheus, version 0.0.4, or OpenMetrics 1.0. */
export type TextFormat = 'prometheus' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** By the Accept header of a scrape. */
export function toTextFormat(accept: string): TextFormat {
  return accept.includes('application/openmetrics-text') ? 'openmetrics' : 'prometheus';
}

/** Metrics as text. Those without a series are left out. */
export function toMetricsText(families: readonly MetricFamily[], format: TextFormat): string {
  const parts = families.filter(({ series }) => series.length > 0).map((family) => toText(family, format));
  return parts.join('') + (format === 'openmetrics' ? '# EOF\n' : '');
}

function toText(family: MetricFamily, format: TextFormat): string {
  const { name, help, kind, series } = family;
  // In OpenMetrics the name of a counter has no suffix, only its samples have.
  const described = kind === 'counter' && format === 'openmetrics' ? name.replace(/_total$/, '') : name;
  const lines = series.flatMap((each) =>
    kind === 'histogram' ? toBuckets(family, each, format) : toSample(name, each),
  );
  return `# HELP ${described} ${help}\n# TYPE ${described} ${kind}\n${lines.join('')}`;
}

function toSample(name: string, { labels, values: [value = 0] }: MetricSeries): string {
  return `${name}${labels === '' ? '' : `{${labels}}`} ${toNumber(value)}\n`;
}

function toBuckets({ name, bounds = [] }: MetricFamily, series: MetricSeries, format: TextFormat): string[] {
  const { labels, values, exemplars } = series;
  const others = labels === '' ? '' : `${labels},`;
  let count = 0;
  const lines = [...bounds, Number.POSITIVE_INFINITY].map((bound, at) => {
    count += values[at] ?? 0;
    // Only OpenMetrics has exemplars.
    const shown = format === 'openmetrics' ? exemplars?.find(({ bucket }) => bucket === at) : undefined;
    return `${name}_bucket{${others}le="${toBound(bound, format)}"} ${count}${shown ? toExemplar(shown) : ''}\n`;
  });
  const own = labels === '' ? '' : `{${labels}}`;
  return [...lines, `${name}_sum${own} ${toNumber(values.at(-1) ?? 0)}\n`, `${name}_count${own} ${count}\n`];
}

/** OpenMetrics has bounds as floats: `1.0`, so that both have one spelling. */
function toBound(bound: number, format: TextFormat): string {
  return format === 'openmetrics' && Number.isInteger(bound) ? bound.toFixed(1) : toNumber(bound);
}

function toExemplar({ traceId, value, atSeconds }: Exemplar): string {
  return ` # {trace_id="${traceId}"} ${toNumber(value)} ${atSeconds.toFixed(3)}`;
}

function toNumber(value: number): string {
  return value === Number.POSITIVE_INFINITY ? '+Inf' : String(value);
}
