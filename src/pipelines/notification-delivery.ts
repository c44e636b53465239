/** Notices on their way out of the system, each at least once, as a consumer group of its own: nothing else waits for it. */
import { socialEventCodec } from '../domains/social/codec.ts';
import type { SocialEvent } from '../domains/social/events.ts';
import type { Notice } from '../domains/social/notification-notice.ts';
import type { ConsumerOptions } from '../kit/consumers/consumer-options.ts';
import { type RunningConsumer, runConsumer } from '../kit/consumers/run.ts';
import { ack } from '../kit/consumers/verdict.ts';
import { isKitError } from '../kit/errors.ts';
import { ErrorHandler } from '../kit/retry/error-handler.ts';
import type { DeliveryNotes } from './delivery-notes.ts';
import { exceptUnreadable } from './except-unreadable.ts';
import type { NotificationFinder } from './notification-finder.ts';

/** Where notices go: a webhook, a mail system, a push service. */
export interface NotificationSink {
  /**
   * Resolves once the notice is safe with the receiver. It may come again, with the same id.
   *
   * @throws KitError SINK_UNAVAILABLE: the partition waits, with back-off, and nothing is lost; one that is not
   *   retriable: the event is a dead letter of this group
   */
  deliver(notice: Notice): Promise<void>;
}

export interface DeliveryOptions
  extends Pick<
    ConsumerOptions<SocialEvent>,
    'log' | 'topics' | 'store' | 'deadLetters' | 'logger' | 'limits' | 'retryPolicy' | 'trace'
  > {
  readonly groupId: string;
  readonly finder: Pick<NotificationFinder, 'find'>;
  readonly sink: NotificationSink;
  /** Told what was sent. */
  readonly notes?: DeliveryNotes;
}

/** Neither the event's fault nor the receiver's verdict on it. */
const PASSING = new Set([
  'SINK_UNAVAILABLE',
  'NOT_APPLIED_YET',
  'CONSUMER_STOPPED',
  'PARTITION_NOT_OWNED',
  'TOO_MANY_WAITERS',
]);

export function deliveryGroupOf(groupId: string): string {
  return `${groupId}.delivery`;
}

/** @param options.store for positions alone */
export function startDelivery({
  groupId,
  finder,
  sink,
  notes,
  deadLetters,
  ...run
}: DeliveryOptions): Promise<RunningConsumer> {
  return runConsumer<SocialEvent>({
    ...run,
    deadLetters: exceptUnreadable(deadLetters),
    group: deliveryGroupOf(groupId),
    codec: socialEventCodec,
    errorHandler: new ErrorHandler((error) => (isKitError(error) && PASSING.has(error.code) ? 'systemic' : undefined)),
    async handler(event, { record }) {
      const notices = await finder.find(event, record);
      try {
        for (const notice of notices) await sink.deliver(notice);
      } catch (error) {
        notes?.tried(record, notices, false);
        throw error;
      }
      notes?.tried(record, notices, true);
      return ack();
    },
  });
}
