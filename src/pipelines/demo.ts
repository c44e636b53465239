/** A bounded run of realistic traffic through the real publisher and consumers, ending with a reconciliation. */
import { createReadStream } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { SocialEvent } from '../domains/social/events.ts';
import { readNdjson } from '../domains/social/import/ndjson.ts';
import { generateTraffic, poisoned, type TrafficItem } from '../domains/social/traffic.ts';
import { KitError } from '../kit/errors.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import type { EventPublisher } from '../kit/producers/event-publisher.ts';
import type { HighVolumeProducer } from '../kit/producers/high-volume-producer.ts';
import type { PlannedFailures } from './planned-failures.ts';
import type { Projection } from './projection.ts';
import { logEnds, unlessAway, untilQuiet } from './quiet.ts';
import type { Reconciliation } from './reconciliation.ts';
import { recordsOf } from './records-of.ts';

export interface DemoOptions {
  readonly events?: number;
  readonly seed?: number;
  /** Events per second; 0: as fast as it goes. Default 2,000. */
  readonly ratePerSecond?: number;
  /** Replay the bundled real activity instead of generated traffic. */
  readonly real?: boolean;
  /** Of the content interactions, how many are unreadable records. Default 0.01, of real activity 0. */
  readonly poisonShare?: number;
}

export interface DemoReport {
  readonly state: 'RUNNING' | 'DONE' | 'FAILED';
  readonly seed: number;
  readonly requested: number;
  /** Acknowledged by the log. */
  readonly published: number;
  /** Of this demo, found in the log. */
  readonly in_log: number;
  readonly applied: number;
  readonly parked: number;
  readonly dead_lettered: number;
  readonly duplicates: number;
  /** Null until the demo has ended. */
  readonly balanced: boolean | null;
  readonly reconciliation: Reconciliation | null;
  readonly error?: string;
}

/** Runs one demo; calls `onProgress` with what is known so far, and stops early when `signal` aborts. */
export type DemoRunner = (
  options: DemoOptions & { readonly seed: number },
  signal: AbortSignal,
  onProgress: (report: DemoReport) => void,
) => Promise<DemoReport>;

export interface DemoParts {
  readonly log: EventLog;
  readonly producer: HighVolumeProducer;
  readonly publisher: EventPublisher<SocialEvent>;
  /** Whose tallies the report sums up: each topic is read by one of them. */
  readonly projections: readonly Projection[];
  /** Waited for as well. */
  readonly reactions: readonly Projection[];
  readonly failures: PlannedFailures;
  reconcile(): Promise<Reconciliation>;
}

export const DEFAULT_DEMO_EVENTS = 10_000;
export const DEFAULT_DEMO_RATE = 2_000;
/** Of content interactions: unreadable ones, and ones that fail before they succeed (a few never do). */
const POISON_SHARE = 0.01;
const FLAKY_SHARE = 0.005;
const MAX_UNDER_WAY = 2_000;
const TICK_MS = 10;
const REPORT_MS = 100;

type Counts = Pick<DemoReport, 'applied' | 'parked' | 'dead_lettered' | 'duplicates'>;

export function demoRunner(parts: DemoParts): DemoRunner {
  return async (options, signal, onProgress) => {
    const { seed } = options;
    const requested = options.real ? await countReal(options.events) : (options.events ?? DEFAULT_DEMO_EVENTS);
    const runId = `demo-${seed}-${Date.now().toString(36)}`;
    const startOffsets = await logEnds(parts.log);
    const startCounts = await counts(parts.projections);
    let published = 0;
    const report = async (): Promise<DemoReport> => ({
      state: 'RUNNING',
      seed,
      requested,
      published,
      in_log: published,
      ...difference(await counts(parts.projections), startCounts),
      balanced: null,
      reconciliation: null,
    });

    onProgress(await report());
    const now = Date.now();
    const { real, poisonShare = real ? 0 : POISON_SHARE } = options;
    const items = real
      ? poisoned(realItems(requested), { seed, poisonShare, now })
      : generateTraffic({ seed, events: requested, now, poisonShare, flakyShare: FLAKY_SHARE });
    const tell = () => unlessAway(async () => onProgress(await report()));
    await publishAll(parts, runId, items, options.ratePerSecond ?? DEFAULT_DEMO_RATE, signal, async (acknowledged) => {
      published = acknowledged;
      await tell();
    });
    const { log, projections, reactions } = parts;
    await untilQuiet({ log, projections: [...projections, ...reactions], signal, onProgress: tell });
    parts.failures.clear();
    const reconciliation = await parts.reconcile();
    const inLog = await countInLog(parts.log, startOffsets, runId);
    return {
      ...(await report()),
      state: 'DONE',
      in_log: inLog,
      balanced: reconciliation.balanced && published === requested && inLog === published,
      reconciliation,
    };
  };
}

/** Keeps to the rate and to a bound of unacknowledged events; rejects with the first failure. */
async function publishAll(
  parts: DemoParts,
  runId: string,
  items: AsyncIterable<TrafficItem> | Iterable<TrafficItem>,
  ratePerSecond: number,
  signal: AbortSignal,
  onProgress: (acknowledged: number) => Promise<void>,
): Promise<void> {
  const startedAt = performance.now();
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  let acknowledged = 0;
  let failure: unknown;
  let reportedAt = 0;
  for await (const item of items) {
    if (signal.aborted) throw new KitError('SHUTTING_DOWN', 'The demo was stopped before its end');
    if (failure !== undefined) break;
    const sending: Promise<void> = send(parts, runId, item).then(
      () => {
        acknowledged += 1;
        underWay.delete(sending);
      },
      (error: unknown) => {
        failure ??= error;
        underWay.delete(sending);
      },
    );
    underWay.add(sending);
    sent += 1;
    while (underWay.size >= MAX_UNDER_WAY) await Promise.race(underWay);
    while (ratePerSecond > 0 && sent > ((performance.now() - startedAt) / 1000) * ratePerSecond) await delay(TICK_MS);
    if (performance.now() - reportedAt > REPORT_MS) {
      reportedAt = performance.now();
      await onProgress(acknowledged);
    }
  }
  await Promise.all(underWay);
  if (failure !== undefined) throw failure;
  await onProgress(acknowledged);
}

async function send({ producer, publisher, failures }: DemoParts, runId: string, item: TrafficItem): Promise<void> {
  if (item.kind === 'poison') {
    const { key, value, headers } = item.record;
    // stamped when it is sent, as every other event
    await producer.send({
      topic: item.topic,
      key,
      value,
      headers: [...headers, ['ce_correlationid', Buffer.from(runId)]],
    });
    return;
  }
  const event = publisher.create({
    ...item.input,
    metadata: { source: '/streamsocial/demo', schema_version: '1', correlation_id: runId },
  });
  // planned before it is sent: the consumer may be faster than the acknowledgement
  if (item.flakyAttempts > 0) failures.set(event.event_id, item.flakyAttempts);
  await publisher.publish(event);
}

async function countInLog(log: EventLog, from: ReadonlyMap<string, readonly number[]>, runId: string): Promise<number> {
  const mark = Buffer.from(runId);
  let found = 0;
  for (const [topic, offsets] of from) {
    for (const [partition, offset] of offsets.entries()) {
      for await (const records of recordsOf(log, { topic, partition }, { from: offset })) {
        for (const { headers } of records)
          if (headers.some(([name, value]) => name === 'ce_correlationid' && value?.equals(mark))) found += 1;
      }
    }
  }
  return found;
}

async function counts(projections: readonly Projection[]): Promise<Counts> {
  const sum = { applied: 0, parked: 0, dead_lettered: 0, duplicates: 0 };
  for (const { store } of projections) {
    for (const { tallies, parked } of await store.partitions()) {
      sum.applied += tallies.applied;
      sum.duplicates += tallies.duplicates;
      sum.dead_lettered += tallies.dead;
      sum.parked += parked;
    }
  }
  return sum;
}

function difference(now: Counts, before: Counts): Counts {
  return {
    applied: now.applied - before.applied,
    parked: now.parked - before.parked,
    dead_lettered: now.dead_lettered - before.dead_lettered,
    duplicates: now.duplicates - before.duplicates,
  };
}

const realFile = new URL('../../assets/activity-sample.ndjson.gz', import.meta.url);

async function* realItems(limit: number): AsyncGenerator<TrafficItem> {
  let yielded = 0;
  for await (const line of readNdjson(createReadStream(realFile))) {
    if (yielded === limit) return;
    if (!line.ok) throw new KitError('SAMPLE_DATA_BROKEN', `line ${line.line} of the bundled activity: ${line.reason}`);
    yielded += 1;
    yield { kind: 'event', input: line.input as Record<string, unknown>, flakyAttempts: 0 };
  }
}

async function countReal(limit = Number.POSITIVE_INFINITY): Promise<number> {
  let lines = 0;
  for await (const line of readNdjson(createReadStream(realFile))) if (line.ok && lines < limit) lines += 1;
  return lines;
}
