/** One metric: all of its samples are gauges. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly { readonly labels: { readonly [name: string]: string }; readonly value: number }[];
}

export const expositionType = 'text/plain; version=0.0.4; charset=utf-8';

/** Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats). Pure. */
export function exposition(gauges: readonly Gauge[]): string {
  return gauges
    .flatMap(({ name, help, samples }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} gauge`,
      ...samples.map(({ labels, value }) => `${name}{${labelsOf(labels)}} ${numberOf(value)}`),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

/** The labels of a sample, as they are between braces. */
export function labelsOf(labels: Gauge['samples'][number]['labels']): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`)
    .join(',');
}

/** A float as Prometheus writes it. */
export function numberOf(value: number): string {
  return value === Number.POSITIVE_INFINITY ? '+Inf' : String(value);
}
