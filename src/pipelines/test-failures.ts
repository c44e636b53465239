/** Failures made on purpose, to be looked at: real records on the real topic, each with a header that says what it is. */
import { socialEventCodec } from '../domains/social/codec.ts';
import { CONTENT_INTERACTIONS, type SocialEvent } from '../domains/social/events.ts';
import { POISON_KINDS, poisonRecord } from '../domains/social/traffic.ts';
import { KitError } from '../kit/errors.ts';
import type { EventLog, Header, PartitionOffset } from '../kit/log/event-log.ts';
import { partitionFor } from '../kit/log/partitioner.ts';
import type { EventPublisher } from '../kit/producers/event-publisher.ts';
import type { HighVolumeProducer } from '../kit/producers/high-volume-producer.ts';
import type { PlannedFailures } from './planned-failures.ts';

/** Unreadable ones, and readable ones whose handling fails: for a while, and until they are given up. */
export const TEST_FAILURE_KINDS = [...POISON_KINDS, 'fails_for_a_while', 'fails_always'] as const;
export type TestFailureKind = (typeof TEST_FAILURE_KINDS)[number];

/** Its value is the kind. */
export const TEST_HEADER = 'streamsocial-test';

export interface TestFailure extends PartitionOffset {
  readonly kind: TestFailureKind;
  readonly contentId: string;
  /** Of a readable one. */
  readonly eventId: string | null;
  /** What its dead letter will be called, if it becomes one. */
  readonly letterId: string;
  /** Healthy events of the same key, sent behind it. */
  readonly behind: number;
}

export interface TestFailureParts {
  readonly log: EventLog;
  readonly producer: HighVolumeProducer;
  readonly publisher: EventPublisher<SocialEvent>;
  readonly failures: PlannedFailures;
  /** After which an event is given up. */
  readonly attempts: number;
  /** Of engagement. */
  readonly group: string;
  /** Partitions of content-interactions that engagement reads in this process. */
  ownedPartitions(): readonly number[];
}

/** Long enough to see them wait. */
const PAUSE_MS = 8_000;
const FAILS_FOR_A_WHILE = 3;
const BEHIND = 3;
/** That are to fail still. */
const MAX_PLANNED = 100;
const CANDIDATES = 64;

export class TestFailures {
  readonly #parts: TestFailureParts;
  readonly #planned = new Set<string>();
  #counter = Date.now();

  constructor(parts: TestFailureParts) {
    this.#parts = parts;
  }

  /**
   * Resolves once the record is durable; what handlers make of it comes a moment later.
   *
   * @throws KitError INVALID_ARGUMENT where no handler of this process would see a planned failure; QUEUE_FULL, and what
   *   publishing throws
   */
  async send(kind: TestFailureKind): Promise<TestFailure> {
    if (kind === 'fails_for_a_while' || kind === 'fails_always') return this.#sendPlanned(kind);
    const contentId = `failure-test-${this.#counter++}`;
    const { event_id } = this.#parts.publisher.create(likeOf(contentId));
    const record = poisonRecord(kind, { event_id, ...likeOf(contentId) }, Date.now());
    // without a key too it lies where its content's events are
    const partition = partitionFor(contentId, await this.#partitions());
    const headers = [...record.headers, testHeader(kind)];
    const sent = await this.#parts.producer.send({ ...record, topic: CONTENT_INTERACTIONS, partition, headers });
    return this.#told(kind, contentId, null, sent, 0);
  }

  async #sendPlanned(kind: 'fails_for_a_while' | 'fails_always'): Promise<TestFailure> {
    const { publisher, producer, failures, attempts } = this.#parts;
    for (const id of this.#planned) if (!failures.has(id)) this.#planned.delete(id);
    if (this.#planned.size >= MAX_PLANNED)
      throw new KitError('QUEUE_FULL', `${MAX_PLANNED} test events are still failing: wait for some to be done`, {
        retriable: true,
      });
    const contentId = await this.#contentOfOwnPartition();
    const [first, ...behind] = Array.from({ length: 1 + BEHIND }, () => publisher.create(likeOf(contentId)));
    const left = kind === 'fails_always' ? attempts : Math.min(FAILS_FOR_A_WHILE, attempts - 1);
    // planned before it is sent: the consumer may be faster than the acknowledgement
    failures.set(first!.event_id, { left, afterMs: PAUSE_MS, reason: 'a failure planned by the test button' });
    this.#planned.add(first!.event_id);
    const record = socialEventCodec.encode(first!);
    const sent = await producer
      .send({ ...record, headers: [...record.headers, testHeader(kind)] })
      .catch((error: unknown) => {
        failures.delete(first!.event_id);
        throw error;
      });
    for (const event of behind) await producer.send(socialEventCodec.encode(event));
    return this.#told(kind, contentId, first!.event_id, sent, behind.length);
  }

  /** Only where the handler runs here can it be told to fail. */
  async #contentOfOwnPartition(): Promise<string> {
    const owned = new Set(this.#parts.ownedPartitions());
    const partitions = await this.#partitions();
    for (let tried = 0; tried < CANDIDATES; tried++) {
      const contentId = `failure-test-${this.#counter++}`;
      if (owned.has(partitionFor(contentId, partitions))) return contentId;
    }
    throw new KitError(
      'INVALID_ARGUMENT',
      'engagement does not run in this process, so it cannot be made to fail here',
    );
  }

  async #partitions(): Promise<number> {
    return (await this.#parts.log.describe([CONTENT_INTERACTIONS])).topics[0]!.partitions.length;
  }

  #told(
    kind: TestFailureKind,
    contentId: string,
    eventId: string | null,
    { topic, partition, offset }: PartitionOffset,
    behind: number,
  ): TestFailure {
    const letterId = `${this.#parts.group}/${topic}/${partition}/${offset}`;
    return { kind, contentId, eventId, topic, partition, offset, letterId, behind };
  }
}

function likeOf(contentId: string): Record<string, unknown> {
  return {
    event_type: 'post_liked',
    user_id: 'failure-tester',
    content_id: contentId,
    data: { note: 'made to look at failures' },
  };
}

function testHeader(kind: TestFailureKind): Header {
  return [TEST_HEADER, Buffer.from(kind)];
}
