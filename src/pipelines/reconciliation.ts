/** Does what was counted agree with what is in the log? Served by the API, printed by `demo` and `verify`. */
import { socialEventCodec } from '../domains/social/codec.ts';
import { type Comparison, compare, createFold, type Difference } from '../domains/social/reconcile.ts';
import { deadLetterTopic, readDeadLetter } from '../kit/dlq/dead-letter.ts';
import type { EventLog, TopicPartition } from '../kit/log/event-log.ts';
import type { Document, PartitionState, ProjectionStore } from '../kit/projections/projection-store.ts';
import type { Projection, ReactionName } from './projection.ts';
import { recordsOf } from './records-of.ts';

export interface TopicReconciliation {
  readonly topic: string;
  readonly in_log: number;
  readonly applied: number;
  readonly duplicates: number;
  readonly parked: number;
  readonly dead_lettered: number;
  /** Not yet reached by the projection; 0 at a quiet moment. */
  readonly pending: number;
  /** applied + duplicates + parked + dead_lettered = in_log, and the dead letter topic holds as many entries. */
  readonly balanced: boolean;
}

/** What became of a topic's records in one of the reactions. */
export type ReactionReconciliation = Omit<TopicReconciliation, 'dead_lettered'> & {
  readonly projection: ReactionName;
  /** Unreadable ones are dead letters of engagement's or activity's group alone; they are counted here all the same. */
  readonly dead: number;
};

export interface Reconciliation {
  readonly topics: readonly TopicReconciliation[];
  readonly reactions: readonly ReactionReconciliation[];
  /** Documents compared with an independent fold of the log; null while events are parked, which are in the log but not counted yet. */
  readonly compared: number | null;
  /** Of those, how many differ, and where (the first 100). */
  readonly differing: number;
  readonly differences: readonly Difference[];
  readonly balanced: boolean;
}

const MAX_SNAPSHOT_ATTEMPTS = 20;

/**
 * Reads every record and every dead letter again and compares: tallies with the log's ends, documents with a second
 * implementation of the fold. Under traffic a projection is compared as it stood at its stored position.
 */
export async function reconcile(
  log: EventLog,
  projections: readonly Projection[],
  reactions: readonly Projection[] = [],
): Promise<Reconciliation> {
  const results = [];
  // one after the other: each holds its documents and event ids in memory
  for (const projection of projections) results.push(await reconcileOne(log, projection));
  const topics = results.flatMap((result) => result.topics);
  const reacted = (await Promise.all(reactions.map((reaction) => reconcileReaction(log, reaction)))).flat();
  const comparisons = results.map((result) => result.comparison);
  const sum = (pick: (comparison: Comparison) => number) =>
    comparisons.reduce((total, comparison) => total + (comparison === null ? 0 : pick(comparison)), 0);
  const differing = sum((comparison) => comparison.differing);
  return {
    topics,
    reactions: reacted,
    compared: comparisons.includes(null) ? null : sum((comparison) => comparison.compared),
    differing,
    differences: comparisons.flatMap((comparison) => comparison?.differences ?? []).slice(0, 100),
    balanced: differing === 0 && [...topics, ...reacted].every(({ balanced, parked }) => balanced && parked === 0),
  };
}

async function reconcileReaction(log: EventLog, reaction: Projection): Promise<ReactionReconciliation[]> {
  const rows = await tallies(log, reaction, await reaction.store.partitions(), null);
  return rows.map(({ dead_lettered: dead, ...row }) => ({ projection: reaction.name as ReactionName, ...row, dead }));
}

async function reconcileOne(
  log: EventLog,
  projection: Projection,
): Promise<{ topics: TopicReconciliation[]; comparison: Comparison | null }> {
  const { states, documents } = await consistent(projection.store);
  const dead = await deadLetters(log, projection);
  const topics = await tallies(log, projection, states, dead);
  if (states.some(({ parked }) => parked > 0)) return { topics, comparison: null };

  const fold = createFold(socialEventCodec.decode, (place) => dead.get(placeKey(place))?.has(place.offset) === true);
  for (const state of states) {
    if (state.next === null) continue;
    for await (const records of recordsOf(log, state, { end: state.next })) records.forEach(fold.add);
    fold.endPartition(state);
  }
  const folded = projection.folded?.(fold);
  return { topics, comparison: folded === undefined ? null : await compare(documents, folded) };
}

/** Positions and documents of one moment: read again until no position moved meanwhile. */
export async function consistent(
  store: ProjectionStore,
): Promise<{ states: readonly PartitionState[]; documents: ReadonlyMap<string, Document> }> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await store.partitions();
    const documents = new Map<string, Document>();
    for await (const [key, document] of store.documents()) documents.set(key, document);
    const states = await store.partitions();
    const same = JSON.stringify(before) === JSON.stringify(states);
    if (same || attempt === MAX_SNAPSHOT_ATTEMPTS) return { states, documents };
  }
}

function placeKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

/** Offsets by topic-partition that are in the dead letter topics, each once however often it was captured. */
async function deadLetters(log: EventLog, { group, topics }: Projection): Promise<Map<string, Set<number>>> {
  const found = new Map<string, Set<number>>();
  const { topics: all } = await log.describe();
  for (const name of topics.map(deadLetterTopic)) {
    for (const { partition } of all.find((topic) => topic.name === name)?.partitions ?? []) {
      for await (const records of recordsOf(log, { topic: name, partition })) {
        for (const record of records) {
          const letter = readDeadLetter(record);
          if (letter === null || letter.group !== group) continue;
          const key = placeKey(letter);
          found.set(key, (found.get(key) ?? new Set()).add(letter.offset));
        }
      }
    }
  }
  return found;
}

async function tallies(
  log: EventLog,
  { topics }: Projection,
  states: readonly PartitionState[],
  /** Null: nothing is known of dead letters, and they are not compared. */
  dead: ReadonlyMap<string, ReadonlySet<number>> | null,
): Promise<TopicReconciliation[]> {
  const described = (await log.describe(topics)).topics;
  return Promise.all(
    described.map(async ({ name, partitions }) => {
      const earliest = await ends(log, name, partitions.length, 'earliest');
      const latest = await ends(log, name, partitions.length, 'latest');
      const sum = { in_log: 0, applied: 0, duplicates: 0, parked: 0, dead_lettered: 0, pending: 0 };
      let letters = 0;
      for (const { partition } of partitions) {
        const state = states.find((one) => one.topic === name && one.partition === partition);
        sum.in_log += latest[partition]! - earliest[partition]!;
        sum.pending += latest[partition]! - (state?.next ?? earliest[partition]!);
        sum.applied += state?.tallies.applied ?? 0;
        sum.duplicates += state?.tallies.duplicates ?? 0;
        sum.dead_lettered += state?.tallies.dead ?? 0;
        sum.parked += state?.parked ?? 0;
        letters += dead?.get(placeKey({ topic: name, partition }))?.size ?? 0;
      }
      const accounted = sum.applied + sum.duplicates + sum.parked + sum.dead_lettered;
      return {
        topic: name,
        ...sum,
        balanced: accounted === sum.in_log && (dead === null || letters === sum.dead_lettered),
      };
    }),
  );
}

/** One offset per partition, by partition. */
export function ends(log: EventLog, topic: string, partitions: number, at: 'earliest' | 'latest'): Promise<number[]> {
  return log.listOffsets(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, at })));
}
