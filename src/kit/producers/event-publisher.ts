import { type Clock, systemClock } from '../clock.ts';
import { KitError } from '../errors.ts';
import type { EventCodec, Stamp } from '../schemas/event-codec.ts';
import { uuidV7Maker } from '../schemas/uuid-v7.ts';
import type { HighVolumeProducer, SendOptions, Sent } from './high-volume-producer.ts';

export interface Published<E> extends Sent {
  readonly event_id: string;
  readonly event: E;
}

export type PublishOutcome<E> =
  | ({ readonly ok: true } & Published<E>)
  | { readonly ok: false; readonly error: KitError };

export interface EventPublisherOptions<E> {
  readonly codec: EventCodec<E>;
  readonly producer: Pick<HighVolumeProducer, 'send'>;
  readonly clock?: Clock;
  /** Default: UUIDv7. */
  readonly newId?: () => string;
}

/** Items of one `publishMany` that are under way at a time: below the producer's bound on waiting callers. */
const MAX_UNDER_WAY = 5_000;

/** What comes from outside, made an event of the domain and stored: checked, stamped, encoded, sent. */
export class EventPublisher<E> {
  readonly #codec: EventCodec<E>;
  readonly #producer: Pick<HighVolumeProducer, 'send'>;
  readonly #clock: Clock;
  readonly #newId: () => string;

  constructor({ codec, producer, clock = systemClock, newId = uuidV7Maker(clock) }: EventPublisherOptions<E>) {
    this.#codec = codec;
    this.#producer = producer;
    this.#clock = clock;
    this.#newId = newId;
  }

  /** Resolves once the event is durable. @throws KitError of `EventCodec.accept` and of `HighVolumeProducer.send` */
  async publish(input: unknown, options?: SendOptions): Promise<Published<E>> {
    const event = this.create(input);
    const sent = await this.#producer.send(this.#codec.encode(event), options);
    return { event_id: this.#codec.idOf(event), ...sent, event };
  }

  /** One outcome per item, in the order of the items; one that fails stops no other. */
  async publishMany(inputs: readonly unknown[], options?: SendOptions): Promise<PublishOutcome<E>[]> {
    const outcomes: PublishOutcome<E>[] = [];
    for (let from = 0; from < inputs.length; from += MAX_UNDER_WAY) {
      const part = inputs.slice(from, from + MAX_UNDER_WAY);
      outcomes.push(...(await Promise.all(part.map((input) => this.#outcome(input, options)))));
    }
    return outcomes;
  }

  /** The event as `publish` would send it, without sending it. @throws KitError of `EventCodec.accept` */
  create(input: unknown): E {
    const stamp: Stamp = { now: this.#clock.now(), newId: this.#newId };
    return this.#codec.accept(input, stamp);
  }

  async #outcome(input: unknown, options?: SendOptions): Promise<PublishOutcome<E>> {
    try {
      return { ok: true, ...(await this.publish(input, options)) };
    } catch (error) {
      // Anything else is a fault of the program and must not pass for one of the input.
      if (!(error instanceof KitError)) throw error;
      return { ok: false, error };
    }
  }
}
