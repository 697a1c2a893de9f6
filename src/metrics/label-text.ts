/** Labels in the text format, e.g. `method="GET",code="200"`. */
export function toLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replaceAll(/[\\"\n]/g, escapeUnit)}"`)
    .join(',');
}

function escapeUnit(unit: string): string {
  return unit === '\n' ? '\\n' : `\\${unit}`;
}
