/** One partition of a few events, and a history written by hand. */
import { projectActivity } from '../../../src/domains/social/activity.ts';
import { socialEventCodec } from '../../../src/domains/social/codec.ts';
import { project } from '../../../src/domains/social/engagement.ts';
import type { SocialEvent } from '../../../src/domains/social/events.ts';
import { check } from '../../../src/drills/checker/check.ts';
import type { Finding, FindingKind, Observation } from '../../../src/drills/checker/findings.ts';
import type {
  ApplyOperation,
  HistoryEntry,
  OwnershipOperation,
  PublishOperation,
} from '../../../src/drills/history/history.ts';
import type { LogRecord } from '../../../src/kit/log/event-log.ts';
import type { Tallies } from '../../../src/kit/projections/projection-store.ts';
import { MemoryStore } from '../../support/memory-store.ts';

export const PLACE = { topic: 'content-interactions', partition: 0 };
export const GROUP = 'drill';

export function like(id: string, key = 'c'): SocialEvent {
  return {
    event_id: id,
    event_type: 'post_liked',
    user_id: 'u',
    content_id: key,
    timestamp: '2026-05-27T14:00:00Z',
    data: {},
    metadata: { source: '/s', schema_version: '1' },
  };
}

/** @param events `id` or `id:key`, in the order of the log */
export function logOf(...events: readonly string[]): LogRecord[] {
  return events.map((text, offset) => {
    const [id, name] = text.split(':');
    const { key, value, headers } = socialEventCodec.encode(like(id!, name));
    return { ...PLACE, offset, key: Buffer.from(key), value, headers, timestamp: 0 };
  });
}

let moment = 0;

export function sent(
  id: string,
  offset: number | 'unknown' | 'failed',
  more: Partial<PublishOperation> = {},
): PublishOperation {
  moment += 1;
  const outcome = typeof offset === 'number' ? 'acked' : offset;
  return {
    kind: 'publish',
    process: 'load',
    sequence: moment,
    eventId: id,
    topic: PLACE.topic,
    key: 'c',
    invokedMs: moment,
    completedMs: moment,
    outcome,
    partition: outcome === 'acked' ? 0 : null,
    offset: typeof offset === 'number' ? offset : null,
    code: null,
    ...more,
  };
}

/** A transaction of one owner after the other's end. */
export function applied(
  expect: number | null,
  next: number,
  offsets: readonly number[],
  more: Partial<ApplyOperation> = {},
): ApplyOperation {
  moment += 2;
  return {
    kind: 'apply',
    process: 'consumer-1',
    group: GROUP,
    ...PLACE,
    epoch: 1,
    expect,
    next,
    offsets,
    parked: [],
    unparked: [],
    dead: 0,
    invokedMs: moment - 1,
    completedMs: moment,
    outcome: 'ok',
    ...more,
  };
}

export function mark(label: string): HistoryEntry {
  moment += 2;
  return { kind: 'mark', process: 'drill', atMs: moment - 1, label };
}

export function owned(
  kind: OwnershipOperation['kind'],
  process: string,
  atMs: number,
  more: Partial<OwnershipOperation> = {},
): OwnershipOperation {
  return {
    kind,
    process,
    group: GROUP,
    memberId: 'm',
    partitions: [PLACE],
    invokedMs: atMs,
    completedMs: atMs,
    ...more,
  };
}

/** The projection as a store would have it that applied every record of the log once, in order. */
export async function observationOf(
  records: readonly LogRecord[],
  state: { next?: number | null; tallies?: Tallies; parked?: number } = {},
): Promise<Observation> {
  const store = new MemoryStore('engagement');
  const { epoch } = await store.claim(PLACE);
  const effects = records.flatMap((record) => {
    const decoded = socialEventCodec.decode(record);
    if (!decoded.ok) return [];
    const deltas = record.topic === PLACE.topic ? project(decoded.event) : projectActivity(decoded.event);
    return [{ offset: record.offset, eventId: decoded.id, deltas }];
  });
  const next = records.length;
  await store.apply({ ...PLACE, epoch, expect: null, next, effects, park: [], unpark: [], dead: 0, now: 0 });
  const [found] = await store.partitions();
  return {
    async *records() {
      yield records;
    },
    partitions: [{ ...PLACE, earliest: 0, latest: records.length }],
    projections: [
      {
        group: GROUP,
        topics: [PLACE.topic],
        folded: 'engagement',
        states: [{ ...found!, ...state }],
        documents: new Map(await Array.fromAsync(store.documents())),
      },
    ],
  };
}

export async function findingsOf(
  history: readonly HistoryEntry[],
  records: readonly LogRecord[],
  state?: Parameters<typeof observationOf>[1],
): Promise<readonly Finding[]> {
  return (await check(history, await observationOf(records, state))).findings;
}

export async function kindsOf(...args: Parameters<typeof findingsOf>): Promise<FindingKind[]> {
  return (await findingsOf(...args)).map(({ kind }) => kind);
}
