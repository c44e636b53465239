import { HANDLER_NAMES } from '../config/setting-definitions.ts';
import { socialEventCodec } from '../domains/social/codec.ts';
import type { SocialEvent } from '../domains/social/events.ts';
import type { Fold } from '../domains/social/reconcile.ts';
import type { ConsumerLimits, ConsumerOptions } from '../kit/consumers/consumer-options.ts';
import { ConsumerTrace } from '../kit/consumers/consumer-trace.ts';
import { type RunningConsumer, runConsumer } from '../kit/consumers/run.ts';
import { ack } from '../kit/consumers/verdict.ts';
import type { LogRecord } from '../kit/log/event-log.ts';
import type { Delta, Document, ProjectionStore } from '../kit/projections/projection-store.ts';
import type { ReplaySource } from '../kit/projections/replay.ts';
import type { EventCodec } from '../kit/schemas/event-codec.ts';
import { keepGivenUp } from './given-up-before.ts';
import { identityOf } from './journey/event-identity.ts';
import { type PlannedFailures, withPlannedFailures } from './planned-failures.ts';
import { GivenUp, type GivenUpReading } from './rebuild-set-aside.ts';

export const PROJECTION_NAMES = HANDLER_NAMES;
export type ProjectionName = (typeof PROJECTION_NAMES)[number];
export type ReactionName = Exclude<ProjectionName, 'engagement' | 'activity'>;
export const REACTION_NAMES = PROJECTION_NAMES.filter((name) => name !== 'engagement' && name !== 'activity');

/** The consumer group of a projection: engagement is the group that the settings name, the others are named after it. */
export function groupOf(name: ProjectionName, groupId: string): string {
  return name === 'engagement' ? groupId : `${groupId}.${name}`;
}

/** One projection as it runs: what it reads, as which group, and where it keeps what it makes of it. */
export interface Projection {
  readonly name: ProjectionName;
  readonly group: string;
  readonly topics: readonly string[];
  readonly store: ProjectionStore;
  /** Pure: an event, and which partition's record it came from when, to changes of documents. */
  readonly project: (event: SocialEvent, record: Pick<LogRecord, 'topic' | 'partition' | 'timestamp'>) => Delta[];
  /** What an independent fold says the documents should be; null where reconciliations do not compare them. */
  readonly folded: ((fold: Fold) => ReadonlyMap<string, Document>) | null;
  /** See `ConsumerOptions`: false where an event that comes twice changes nothing the second time. */
  readonly deduplicate?: boolean;
  /**
   * `maxChunkRecords`: where a single event can change many documents, few events a transaction, so that none holds up the
   * others for long. `gatherMs`: where an event changes much that the next one changes too.
   */
  readonly limits?: Partial<Pick<ConsumerLimits, 'maxChunkRecords' | 'gatherMs'>>;
}

/** Keys and documents are the projection's own; see `src/domains/social/`. */
export type StateReader = Pick<ProjectionStore, 'get' | 'getMany' | 'keys' | 'partitions' | 'documents'>;

/** What a replay of a projection needs to know of it. */
export function sourceOf(
  { project, deduplicate = true }: Projection,
  { log, codec }: Pick<ReplaySource<SocialEvent>, 'log' | 'codec'>,
): ReplaySource<SocialEvent> {
  return { log, codec, project, deduplicate };
}

export type ProjectionRun = Pick<
  ConsumerOptions<SocialEvent>,
  'log' | 'deadLetters' | 'retryPolicy' | 'clock' | 'logger' | 'clientId' | 'limits'
> & {
  readonly failures: PlannedFailures;
  readonly codec: Pick<EventCodec<SocialEvent>, 'decode'>;
  /** Filled with those of the projections that are moved here. */
  readonly traces?: Map<ProjectionName, ConsumerTrace>;
  /** One for all projections that are moved here; default: one for each. */
  readonly givenUp?: GivenUpReading;
};

/** Moves a projection along the log until it is stopped. */
export function runProjection(
  { failures, limits, traces, deadLetters, givenUp, ...run }: ProjectionRun,
  projection: Projection,
): Promise<RunningConsumer> {
  const { group, topics, store, deduplicate = true } = projection;
  const handler = withPlannedFailures<SocialEvent>(
    (event, { record }) => ack(projection.project(event, record)),
    failures,
    socialEventCodec.idOf,
  );
  const bounds = { ...limits, ...projection.limits };
  const trace = traces && new ConsumerTrace({ idOf: (record) => identityOf(record).eventId });
  if (trace !== undefined) traces?.set(projection.name, trace);
  const parts = keepGivenUp({ handler, deadLetters }, new GivenUp(run.log, projection, givenUp));
  return runConsumer({ ...run, ...parts, store, group, topics, deduplicate, limits: bounds, trace });
}
