import { shared } from '../kit/monitoring/shared.ts';
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
