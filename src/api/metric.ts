/** One metric: its name, and how it is read off what a scrape has found. */
import type { ProducerMetrics } from '../kit/producers/high-volume-producer.ts';
import type { ConsumerReport, HandlerReport, HealthReport } from '../pipelines/platform.ts';
import type { RuntimeState } from '../pipelines/runtime-controller.ts';

/** Null where it could not be read just now. */
export interface Readings {
  readonly health: HealthReport | null;
  readonly consumer: ConsumerReport | null;
  readonly handlers: readonly HandlerReport[];
  readonly producer: ProducerMetrics;
  readonly state: RuntimeState;
  /** As OpenTelemetry names it: `kafka`, or `streamsocial` for the embedded log. */
  readonly system: string;
}

export interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  /** Where it is not the metric's own: `_sum`, `_count`. */
  readonly metricName?: string;
}

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'summary';
  read(readings: Readings): readonly Sample[];
}

export function gauge(name: string, help: string, read: Metric['read']): Metric {
  return { name, help, type: 'gauge', read };
}

export function counter(name: string, help: string, read: Metric['read']): Metric {
  return { name, help, type: 'counter', read };
}

export function one(value: number, labels: Sample['labels'] = {}): Sample[] {
  return [{ value, labels }];
}
