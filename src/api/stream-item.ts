import { socialEventCodec } from '../domains/social/codec.ts';
import type { SocialEvent } from '../domains/social/events.ts';
import type { LogRecord } from '../kit/log/event-log.ts';
import type { Decoded } from '../kit/schemas/event-codec.ts';
import { browsedRecord, IN_A_LIST } from './browsed-record.ts';

/** A record as subscriptions look at it: decoded once, and written as JSON once, for all that want that of it. */
export class StreamItem {
  readonly record: LogRecord;
  #decoded: Decoded<SocialEvent> | null = null;
  #json: string | null = null;
  #recordJson: string | null = null;

  constructor(record: LogRecord) {
    this.record = record;
  }

  get topic(): string {
    return this.record.topic;
  }

  get partition(): number {
    return this.record.partition;
  }

  get offset(): number {
    return this.record.offset;
  }

  /** Null where the record holds no event that can be read. */
  get event(): SocialEvent | null {
    const decoded = this.#decode();
    return decoded.ok ? decoded.event : null;
  }

  /** `{"topic", "partition", "offset", "event"}`, or `unreadable` in place of `event`. */
  get json(): string {
    this.#json ??= JSON.stringify({
      topic: this.topic,
      partition: this.partition,
      offset: this.offset,
      ...contentOf(this.#decode()),
    });
    return this.#json;
  }

  /** As records are listed: `BrowsedRecord`. */
  get recordJson(): string {
    this.#recordJson ??= JSON.stringify(browsedRecord(this.record, IN_A_LIST));
    return this.#recordJson;
  }

  #decode(): Decoded<SocialEvent> {
    this.#decoded ??= socialEventCodec.decode(this.record);
    return this.#decoded;
  }
}

function contentOf(decoded: Decoded<SocialEvent>): object {
  if (decoded.ok) return { event: decoded.event };
  return { unreadable: { code: decoded.code, reason: decoded.reason } };
}
