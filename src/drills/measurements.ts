/** What the load saw, as numbers: from the history, never from the system's own metrics. Times are monotonic milliseconds. */
import type { HistoryEntry, Mark } from './history/history.ts';

/** Longer than this is no longer service as usual. */
export const SLOW_MS = 1_000;

export interface Bucket {
  /** Since the first publish. */
  readonly atMs: number;
  readonly acked: number;
  readonly applied: number;
  /** Of what was acknowledged in this bucket; null where nothing was. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
}

interface Acknowledgement {
  readonly partition: string;
  readonly invokedMs: number;
  readonly completedMs: number;
}

interface Apply {
  /** Of a group. */
  readonly partition: string;
  readonly completedMs: number;
  readonly events: number;
}

export class Measurements {
  /** By the time of the acknowledgement. */
  readonly #acks: Acknowledgement[] = [];
  readonly #applies: Apply[] = [];
  readonly #marks: Mark[] = [];
  #unacknowledged = 0;
  #sorted = true;

  add(entry: HistoryEntry): void {
    if (entry.kind === 'mark') this.#marks.push(entry);
    else if (entry.kind === 'apply') {
      const { group, topic, partition, outcome, completedMs, offsets } = entry;
      if (outcome === 'ok' && completedMs !== null)
        this.#applies.push({ partition: `${group}/${topic}/${partition}`, completedMs, events: offsets.length });
    } else if (entry.kind !== 'publish') return;
    else if (entry.outcome === 'acked') {
      const { topic, partition, invokedMs, completedMs } = entry;
      this.#acks.push({ partition: `${topic}/${partition}`, invokedMs, completedMs: completedMs! });
      this.#sorted = false;
    } else this.#unacknowledged += 1;
  }

  get acknowledged(): number {
    return this.#acks.length;
  }

  /** Publishes that ended otherwise. */
  get unacknowledged(): number {
    return this.#unacknowledged;
  }

  get marks(): readonly Mark[] {
    return this.#marks;
  }

  /** Acknowledged per second, between two moments. */
  throughput(fromMs: number, toMs: number): number {
    const acked = this.#between(fromMs, toMs).length;
    return (acked / (toMs - fromMs)) * 1000;
  }

  /** What is left of the throughput from `faultMs` to `toMs`, in percent of that from `beforeMs` to `faultMs`. */
  keptPercent(beforeMs: number, faultMs: number, toMs: number): number {
    return (this.throughput(faultMs, toMs) / this.throughput(beforeMs, faultMs)) * 100;
  }

  /** Events per second whose effects were stored. */
  appliedThroughput(fromMs: number, toMs: number): number {
    let events = 0;
    for (const apply of this.#applies)
      if (apply.completedMs >= fromMs && apply.completedMs < toMs) events += apply.events;
    return (events / (toMs - fromMs)) * 1000;
  }

  /** @param share 0.99 for the 99th percentile; null where nothing was acknowledged */
  latencyMs(share: number, fromMs: number, toMs: number): number | null {
    return percentile(
      this.#between(fromMs, toMs).map(({ invokedMs, completedMs }) => completedMs - invokedMs),
      share,
    );
  }

  /**
   * The longest time in which some partition had records to acknowledge and acknowledged none: from the acknowledgement
   * before (or the first record after it) to the next one.
   */
  longestGapMs(fromMs: number, toMs = Number.POSITIVE_INFINITY): number {
    const last = new Map<string, number>();
    let longest = 0;
    for (const { partition, invokedMs, completedMs } of this.#ordered()) {
      if (completedMs >= fromMs && invokedMs < toMs) {
        const since = Math.max(last.get(partition) ?? invokedMs, invokedMs);
        longest = Math.max(longest, completedMs - since);
      }
      last.set(partition, completedMs);
    }
    return longest;
  }

  /**
   * From the fault until the last event that waited longer than `SLOW_MS` was acknowledged; 0 where none did. Events
   * sent from `untilMs` on (when the next thing was done to the system) do not count.
   */
  recoveryMs(faultMs: number, untilMs: number): number {
    let recovered = faultMs;
    for (const { invokedMs, completedMs } of this.#acks)
      if (completedMs > recovered && invokedMs < untilMs && completedMs - invokedMs > SLOW_MS) recovered = completedMs;
    return recovered - faultMs;
  }

  /**
   * The longest time between two moments in which some partition of some group stored nothing; means something while
   * every partition gets records. All that is ever stored to counts.
   */
  longestStandstillMs(fromMs: number, toMs: number): number {
    const last = new Map(this.#applies.map(({ partition }) => [partition, fromMs]));
    let longest = 0;
    for (const { partition, completedMs } of this.#applies.toSorted((a, b) => a.completedMs - b.completedMs)) {
      if (completedMs < fromMs || completedMs >= toMs) continue;
      longest = Math.max(longest, completedMs - last.get(partition)!);
      last.set(partition, completedMs);
    }
    return last.values().reduce((most, sinceMs) => Math.max(most, toMs - sinceMs), longest);
  }

  timeline(bucketMs: number): Bucket[] {
    const acks = this.#ordered();
    if (acks.length === 0) return [];
    const startMs = acks.reduce((least, { invokedMs }) => Math.min(least, invokedMs), Number.POSITIVE_INFINITY);
    const applied = new Map<number, number>();
    for (const { completedMs, events } of this.#applies) {
      const bucket = Math.floor((completedMs - startMs) / bucketMs);
      applied.set(bucket, (applied.get(bucket) ?? 0) + events);
    }
    const latencies = Map.groupBy(acks, ({ completedMs }) => Math.floor((completedMs - startMs) / bucketMs));
    const last = Math.max(...latencies.keys(), ...applied.keys());
    return Array.from({ length: last + 1 }, (_, bucket) => {
      const waits = (latencies.get(bucket) ?? []).map(({ invokedMs, completedMs }) => completedMs - invokedMs);
      return {
        atMs: bucket * bucketMs,
        acked: waits.length,
        applied: applied.get(bucket) ?? 0,
        p50Ms: percentile(waits, 0.5),
        p99Ms: percentile(waits, 0.99),
        maxMs: percentile(waits, 1),
      };
    });
  }

  /** Monotonic milliseconds of the first publish; the zero of `timeline`. */
  get startMs(): number {
    return this.#acks.reduce((least, { invokedMs }) => Math.min(least, invokedMs), Number.POSITIVE_INFINITY);
  }

  #ordered(): readonly Acknowledgement[] {
    if (!this.#sorted) this.#acks.sort((a, b) => a.completedMs - b.completedMs);
    this.#sorted = true;
    return this.#acks;
  }

  #between(fromMs: number, toMs: number): Acknowledgement[] {
    return this.#acks.filter(({ completedMs }) => completedMs >= fromMs && completedMs < toMs);
  }
}

/** Sorts `values`. */
export function percentile(values: number[], share: number): number | null {
  if (values.length === 0) return null;
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.max(0, Math.ceil(values.length * share) - 1))]!;
}
