/** What can be done about events that fail: replays that go on by themselves, what is parked, checks of edited copies, tests. */
import type { SocialEvent } from '../domains/social/events.ts';
import type { DeadLetterQueue } from '../kit/dlq/dead-letter-queue.ts';
import { ReplayJobs } from '../kit/dlq/replay-jobs.ts';
import type { EventLog } from '../kit/log/event-log.ts';
import type { EventPublisher } from '../kit/producers/event-publisher.ts';
import type { HighVolumeProducer } from '../kit/producers/high-volume-producer.ts';
import { checkLetter, type LetterCheck, type Repair } from './letter-check.ts';
import { type ParkedOptions, type ParkedReport, readParked } from './parked.ts';
import type { PlannedFailures } from './planned-failures.ts';
import type { Projection, ProjectionName } from './projection.ts';
import { fatesOf } from './replay-fates.ts';
import { type TestFailure, type TestFailureKind, TestFailures } from './test-failures.ts';

export interface Failures {
  readonly replays: Pick<ReplayJobs, 'plan' | 'start' | 'report' | 'reports' | 'cancel'>;
  /** Attempts before an event is given up. */
  readonly attempts: number;
  /** The handler that is this consumer group; null for one that is none of the projections'. */
  handlerOf(group: string): ProjectionName | null;
  /** @throws KitError STORE_UNAVAILABLE */
  parked(options: ParkedOptions): Promise<ParkedReport>;
  /** @throws KitError UNKNOWN_DEAD_LETTER, DEAD_LETTER_GONE, UNKNOWN_TOPIC, LOG_UNAVAILABLE */
  check(id: string, repair: Repair): Promise<LetterCheck>;
  /** See `TestFailures.send`. */
  test(kind: TestFailureKind): Promise<TestFailure>;
}

export interface FailureParts {
  readonly log: EventLog;
  readonly producer: HighVolumeProducer;
  readonly publisher: EventPublisher<SocialEvent>;
  readonly deadLetters: DeadLetterQueue;
  readonly projections: readonly Projection[];
  readonly planned: PlannedFailures;
  readonly attempts: number;
  /** Partitions of content-interactions that engagement reads in this process. */
  ownedPartitions(): readonly number[];
  /** Ends what is under way. */
  readonly opened: AsyncDisposableStack;
}

export function openFailures(parts: FailureParts): Failures {
  const { log, producer, publisher, deadLetters, projections, planned, attempts, ownedPartitions, opened } = parts;
  const fates: ConstructorParameters<typeof ReplayJobs>[0]['fatesOf'] = (sent) =>
    fatesOf(sent, projections, deadLetters);
  const replays = new ReplayJobs({ queue: deadLetters, fatesOf: fates });
  opened.defer(() => replays.close());
  const { group } = projections.find(({ name }) => name === 'engagement')!;
  const tests = new TestFailures({ log, producer, publisher, failures: planned, attempts, group, ownedPartitions });
  return {
    replays,
    attempts,
    handlerOf: (wanted) => projections.find((one) => one.group === wanted)?.name ?? null,
    parked: (options) => readParked(projections, options),
    async check(id, repair) {
      const letter = await deadLetters.show(id);
      const [topic] = (await log.describe([letter.topic])).topics;
      return checkLetter(letter, repair, projections, topic!.partitions.length);
    },
    test: (kind) => tests.send(kind),
  };
}
