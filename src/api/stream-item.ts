import { socialEventCodec } from '../domains/social/codec.ts';
import type { SocialEvent } from '../domains/social/events.ts';
import type { LogRecord } from '../kit/log/event-log.ts';

/** A record as subscriptions look at it: decoded once, and written as JSON once, for all that match it. */
export class StreamItem {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Null where the record holds no event that can be read. */
  readonly event: SocialEvent | null;
  readonly #content: object;
  #json: string | null = null;

  constructor(record: LogRecord) {
    const { topic, partition, offset } = record;
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    const decoded = socialEventCodec.decode(record);
    this.event = decoded.ok ? decoded.event : null;
    this.#content = decoded.ok
      ? { event: decoded.event }
      : { unreadable: { code: decoded.code, reason: decoded.reason } };
  }

  /** `{"topic", "partition", "offset", "event"}`, or `unreadable` in place of `event`. */
  get json(): string {
    this.#json ??= JSON.stringify({
      topic: this.topic,
      partition: this.partition,
      offset: this.offset,
      ...this.#content,
    });
    return this.#json;
  }
}
