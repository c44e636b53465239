import type { ConsumerReport, HealthReport, Platform } from '../pipelines/platform.ts';

/** Pages, probes and scrapers share what was just asked for, however many they are. */
export interface Snapshots {
  health(): Promise<HealthReport>;
  consumer(): Promise<ConsumerReport>;
}

const MAX_AGE_MS = 500;

export function snapshotsOf(platform: Platform, now: () => number): Snapshots {
  return {
    health: shared(() => platform.health(), MAX_AGE_MS, now),
    consumer: shared(() => platform.consumerMetrics(), MAX_AGE_MS, now),
  };
}

/** One call at a time; its result serves everybody who asks until it is `maxAgeMs` old. A failure is not kept. */
export function shared<T>(call: () => Promise<T>, maxAgeMs: number, now: () => number): () => Promise<T> {
  let current: Promise<T> | null = null;
  let expiresAt = 0;
  return () => {
    if (current !== null && now() < expiresAt) return current;
    expiresAt = Number.POSITIVE_INFINITY;
    current = call();
    current.then(
      () => {
        expiresAt = now() + maxAgeMs;
      },
      () => {
        expiresAt = 0;
      },
    );
    return current;
  };
}
